import { describe, expect, test } from "bun:test";

import { edenGC, fullGC, heapStats } from "bun:jsc";

import { createTransientMap } from "../../../src/collections/transient-map.ts";

describe("a transient map", () => {
  test("gives what was set, oldest first", () => {
    const map = createTransientMap<string, { readonly name: string }>();
    map.set("a", { name: "1" });
    map.set("b", { name: "2" });
    map.set("a", { name: "3" });
    expect(map.size()).toBe(2);
    expect(map.get("a")).toEqual({ name: "3" });
    expect(map.has("b")).toBe(true);
    expect(map.get("c")).toBeUndefined();
    expect([...map.keys()]).toEqual(["a", "b"]);
    expect([...map.values()]).toEqual([{ name: "3" }, { name: "2" }]);
    expect([...map.entries()]).toEqual([
      ["a", { name: "3" }],
      ["b", { name: "2" }],
    ]);
  });

  test("says whether what is deleted was there, and has nothing of it after", () => {
    const map = createTransientMap<number, object>();
    map.set(1, {});
    expect(map.delete(1)).toBe(true);
    expect(map.delete(1)).toBe(false);
    expect(map.get(1)).toBeUndefined();
    map.set(2, {});
    map.clear();
    expect(map.size()).toBe(0);
    expect([...map.values()]).toEqual([]);
  });

  test("may be deleted from while it is gone through", () => {
    const map = createTransientMap<number, { readonly number: number }>();
    for (let number = 0; number < 10; number++) map.set(number, { number });
    const seen: number[] = [];
    for (const [key, { number }] of map.entries()) {
      seen.push(number);
      map.delete(key);
      map.delete(key + 1);
    }
    expect(seen).toEqual([0, 2, 4, 6, 8]);
    expect(map.size()).toBe(0);
  });

  test("goes through what was there at first, though it is made anew meanwhile", () => {
    const map = createTransientMap<number, string>();
    for (let number = 0; number < 100; number++) map.set(number, "first");
    const seen: number[] = [];
    for (const key of map.keys()) {
      seen.push(key);
      for (let gone = key; gone < key + 50; gone++) map.delete(gone);
      map.set(1000 + key, "later");
    }
    expect(seen.filter((key) => key < 100)).toEqual([0, 50]);
    expect([...map.keys()].every((key) => key >= 1000)).toBe(true);
  });

  test("keeps nothing alive of what was deleted, through young collections alone", () => {
    // Dates, for the heap counts them apart.
    const map = createTransientMap<string, Date>();
    const turns = 20;
    const perTurn = 2000;
    const atOnce = 64;
    fullGC();
    const before = datesInHeap();
    for (let added = 0; added < turns * perTurn; added++) {
      map.set(`call ${added}`, new Date(added));
      map.delete(`call ${added - atOnce}`);
      if (added % perTurn === 0) edenGC();
    }
    edenGC();
    // In a Map 14,000 of the 40,000 stay.
    expect(datesInHeap() - before).toBeWithin(atOnce, 3 * turns * atOnce);
  });
});

function datesInHeap(): number {
  return heapStats().objectTypeCounts["Date"] ?? 0;
}
