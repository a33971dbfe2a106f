// Takes the status ERROR off attempts beneath a call that went well in the end; `error.type` stays. For backends
// that call a whole trace failed for one span of it. Pure.

import { spanRanges, type SpanRange } from "../../recorder/span-decoding.ts";
import { StatusCode } from "../../recorder/span-encoding.ts";
import { eachField, readVarint } from "../../recorder/wire-reader.ts";
import { asBuffer, rewriteFields, rewriteSpans } from "../span-rewrite.ts";
import { spanRole } from "./call-span.ts";

export function unsetRecoveredAttempts(spans: Uint8Array): Uint8Array {
  const bytes = asBuffer(spans);
  const ranges = spanRanges(spans);
  const roles = ranges.map((range) => spanRole(bytes, range));
  // Most calls have no failed attempt: only attempts are looked through for one.
  const failed = ranges.filter(
    (range, index) => roles[index] === "attempt" && hasFailed(bytes, range),
  );
  const chat = ranges[roles.indexOf("chat")];
  if (failed.length === 0 || chat === undefined || hasFailed(bytes, chat)) return spans;
  const starts = new Set(failed.map(({ start }) => start));
  return rewriteSpans(spans, (_bytes, range) =>
    starts.has(range.start)
      ? rewriteFields(bytes, range, (field) => (field === 15 ? "" : undefined))
      : undefined,
  );
}

function hasFailed(bytes: Buffer, range: SpanRange): boolean {
  let code: number = StatusCode.unset;
  eachField(bytes, range.start, range.end, (field, _wire, start, end) => {
    if (field !== 15) return;
    eachField(bytes, start, end, (part, _partWire, from) => {
      if (part === 3) code = readVarint(bytes, from);
    });
  });
  return code === StatusCode.error;
}
