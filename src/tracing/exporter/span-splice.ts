// Appends fields to stored spans without re-encoding them: protobuf lets repeated fields come in any place
// and the last of a singular one win, so only the length in front changes. Pure.

import type { SpanRange } from "../recorder/span-decoding.ts";
import { varint, varintLength } from "./protobuf-writer.ts";

/**
 * A copy of `entries` with `extras[i]` (encoded Span fields) appended to the span at `ranges[i]`.
 * The same array comes back when there is nothing to append.
 */
export function appendToSpans(
  entries: Uint8Array,
  ranges: readonly SpanRange[],
  extras: readonly (Uint8Array | undefined)[],
): Uint8Array {
  if (!extras.some((extra) => extra !== undefined && extra.length > 0)) return entries;
  let size = 0;
  for (const [index, { start, end }] of ranges.entries()) {
    const length = end - start + (extras[index]?.length ?? 0);
    size += 1 + varintLength(length) + length;
  }
  const spliced = new Uint8Array(size);
  let at = 0;
  for (const [index, { start, end }] of ranges.entries()) {
    const extra = extras[index];
    spliced[at] = 0x12;
    at += 1;
    for (const byte of varint(end - start + (extra?.length ?? 0))) {
      spliced[at] = byte;
      at += 1;
    }
    spliced.set(entries.subarray(start, end), at);
    at += end - start;
    if (extra !== undefined) {
      spliced.set(extra, at);
      at += extra.length;
    }
  }
  return spliced;
}
