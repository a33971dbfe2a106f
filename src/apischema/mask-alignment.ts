// Which parts of a text a guardrail replaced: it hands back a whole text, a stream needs to know what of it
// may already leave. Pure, runs on any thread.

/** `[start, end)` of the original stands as `text` in the masked one. Never empty: start < end. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** So much unchanged text between two changes proves that they are two. */
const anchorChars = 12;
/** How far a change may reach before the search for its end gives up and takes all the rest. */
const reachChars = 4096;

/**
 * The replacements that turn `original` into `masked`, in order, not touching. Applied, they give exactly
 * `masked`; of several ways to say so, not necessarily the shortest.
 */
export function alignMask(original: string, masked: string): Replacement[] {
  if (original === masked) return [];
  const tail = commonEnd(original, masked);
  const source = original.slice(0, original.length - tail);
  const target = masked.slice(0, masked.length - tail);
  const found: Replacement[] = [];
  let [at, to] = [0, 0];
  for (;;) {
    while (at < source.length && to < target.length && source[at] === target[to])
      [at, to] = [at + 1, to + 1];
    if (at === source.length && to === target.length) break;
    const next = nextAnchor(source, target, { at, to });
    push(found, { start: at, end: next.at, text: target.slice(to, next.to) });
    [at, to] = [next.at, next.to];
  }
  return widenInsertions(found, original);
}

/** `original` from `start` to `end` with the replacements in that range done (offsets are the original's). */
export function applyReplacements(original: string, replacements: readonly Replacement[]): string {
  let out = "";
  let at = 0;
  for (const { start, end, text } of replacements) {
    out += original.slice(at, start) + text;
    at = end;
  }
  return out + original.slice(at);
}

/** The nearest place from which both texts go on alike; their ends when there is none within reach. */
function nextAnchor(
  source: string,
  target: string,
  { at, to }: { readonly at: number; readonly to: number },
): { at: number; to: number } {
  const last = Math.min(source.length - anchorChars, at + reachChars);
  const within = target.slice(to, to + reachChars);
  for (let from = at; from <= last; from++) {
    const found = within.indexOf(source.slice(from, from + anchorChars));
    if (found !== -1) return { at: from, to: to + found };
  }
  return { at: source.length, to: target.length };
}

function push(found: Replacement[], next: Replacement): void {
  const last = found.at(-1);
  if (last === undefined || last.end < next.start) {
    found.push(next);
    return;
  }
  found[found.length - 1] = { start: last.start, end: next.end, text: last.text + next.text };
}

/** An insertion takes a neighbouring char along, so that it has a place in the original. */
function widenInsertions(found: readonly Replacement[], original: string): Replacement[] {
  const widened: Replacement[] = [];
  for (const { start, end, text } of found) {
    if (start < end) push(widened, { start, end, text });
    else if (start < original.length) {
      push(widened, { start, end: start + 1, text: text + original.charAt(start) });
    } else if (start > 0) {
      push(widened, { start: start - 1, end: start, text: original.charAt(start - 1) + text });
    }
  }
  return widened;
}

function commonEnd(left: string, right: string): number {
  const most = Math.min(left.length, right.length);
  let common = 0;
  while (common < most && left[left.length - 1 - common] === right[right.length - 1 - common])
    common++;
  return common;
}
