// Ends the spans a call left open when its worker or the whole process went away. Pure, append-only.

import { attr } from "../recorder/semconv.ts";
import { decodeSpan, spanRanges, type DecodedSpan } from "../recorder/span-decoding.ts";
import { attributeField, concatBytes, fixed64Field, lengthField } from "./protobuf-writer.ts";
import { textField, varintField } from "./protobuf-writer.ts";
import { appendToSpans } from "./span-splice.ts";

export interface Interruption {
  /** The last moment the call's runner was known alive, in milliseconds since the epoch. */
  readonly endedAtMs: number;
  readonly errorType: string;
  readonly message: string;
  /** Adds `everyspan.interrupted=true`: the process itself went away. */
  readonly interrupted: boolean;
}

/**
 * Ends every open span among `entries` with status ERROR. An end is never before the span's own start,
 * nor before anything known beneath it. Ended spans stay as they are, byte for byte.
 */
export function closeOpenSpans(entries: Uint8Array, why: Interruption): Uint8Array {
  const ranges = spanRanges(entries);
  const spans = ranges.map((range) => decodeSpan(entries, range));
  if (spans.every((span) => span.endUnixNano !== undefined)) return entries;
  const ends = endTimes(spans, toUnixNano(why.endedAtMs));
  return appendToSpans(
    entries,
    ranges,
    spans.map((span, index) =>
      span.endUnixNano === undefined
        ? closingFields(span, ends[index] ?? span.startUnixNano, why)
        : undefined,
    ),
  );
}

/** As the recorder has it, to the nanosecond: a product would round beyond 2^53, and past a parent's end. */
function toUnixNano(timeMs: number): bigint {
  const whole = Math.floor(timeMs);
  return BigInt(whole) * 1_000_000n + BigInt(Math.floor((timeMs - whole) * 1e6));
}

function endTimes(spans: readonly DecodedSpan[], floor: bigint): bigint[] {
  const indexOf = new Map(spans.map((span, index) => [span.spanId, index]));
  const ends = spans.map(
    (span) => span.endUnixNano ?? (floor > span.startUnixNano ? floor : span.startUnixNano),
  );
  // Each pass lifts open parents to their children's ends; a tree of n spans settles in n passes at most.
  for (let pass = 0; pass < spans.length; pass += 1) {
    let changed = false;
    for (const [index, span] of spans.entries()) {
      const parent = indexOf.get(span.parentSpanId);
      if (parent === undefined || spans[parent]?.endUnixNano !== undefined) continue;
      const end = ends[index] ?? 0n;
      if (end > (ends[parent] ?? 0n)) {
        ends[parent] = end;
        changed = true;
      }
    }
    if (!changed) break;
  }
  return ends;
}

function closingFields(span: DecodedSpan, end: bigint, why: Interruption): Uint8Array {
  const fields = [fixed64Field(8, end)];
  if (!("error.type" in span.attributes)) {
    fields.push(attributeField(9, "error.type", why.errorType));
  }
  if (why.interrupted) fields.push(attributeField(9, attr.interrupted, true));
  fields.push(lengthField(15, concatBytes([textField(2, why.message), varintField(3, 2)])));
  return concatBytes(fields);
}
