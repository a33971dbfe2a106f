// A map of what comes and goes by the thousand, such as calls in flight. Any thread; knows nothing of what it holds.
//
// JavaScriptCore's Map grows by a new table, and its former one, full of entries that lived then, goes on referring
// to it. The young collections of the heap do not ask whether what is old still lives, so all that such tables ever
// held stays until a full one: a busy server's garbage, whole calls, and the price of marking it. So the map is
// made anew before it would grow: nothing refers from the old to the new.

export interface TransientMap<Key, Value> {
  readonly get: (key: Key) => Value | undefined;
  readonly has: (key: Key) => boolean;
  readonly set: (key: Key, value: Value) => void;
  /** Whether it was there. */
  readonly delete: (key: Key) => boolean;
  readonly clear: () => void;
  readonly size: () => number;
  /** Oldest first. Entries may be deleted meanwhile; those added meanwhile may come or not. */
  readonly keys: () => IterableIterator<Key, undefined>;
  /** As {@link TransientMap.keys}. */
  readonly values: () => IterableIterator<Value, undefined>;
  /** As {@link TransientMap.keys}. */
  readonly entries: () => IterableIterator<[Key, Value], undefined>;
}

/** Fewer deleted entries than that are not worth a new map. */
const deletedMin = 32;

export function createTransientMap<Key, Value>(): TransientMap<Key, Value> {
  let map = new Map<Key, Value>();
  /** Since the map was made: what is deleted takes up room in its table all the same. */
  let deleted = 0;

  function* entries(): IterableIterator<[Key, Value], undefined> {
    const through = map;
    for (const entry of through) {
      if (through === map || map.has(entry[0])) yield entry;
    }
  }

  function* keys(): IterableIterator<Key, undefined> {
    for (const [key] of entries()) yield key;
  }

  function* values(): IterableIterator<Value, undefined> {
    for (const [, value] of entries()) yield value;
  }

  return {
    get: (key) => map.get(key),
    has: (key) => map.has(key),
    set(key, value) {
      if (deleted >= deletedMin && deleted > map.size) {
        map = new Map(map);
        deleted = 0;
      }
      map.set(key, value);
    },
    delete(key) {
      const had = map.delete(key);
      if (had) deleted += 1;
      return had;
    },
    clear() {
      map = new Map();
      deleted = 0;
    },
    size: () => map.size,
    keys,
    values,
    entries,
  };
}
