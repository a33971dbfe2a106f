// Takes the status ERROR off attempts beneath a call that went well in the end; `error.type` stays. For backends
// that call a whole trace failed for one span of it. Pure.

import { spanRanges } from "../../recorder/span-decoding.ts";
import { StatusCode } from "../../recorder/span-encoding.ts";
import { eachField, readVarint } from "../../recorder/wire-reader.ts";
import { asBuffer, rewriteFields, rewriteSpans } from "../span-rewrite.ts";
import { readCallSpan } from "./call-span.ts";

export function unsetRecoveredAttempts(spans: Uint8Array): Uint8Array {
  const bytes = asBuffer(spans);
  const ranges = spanRanges(spans);
  const failed = ranges.map((range) => hasFailed(bytes, range.start, range.end));
  if (!failed.includes(true)) return spans;
  const roles = ranges.map((range) => readCallSpan(bytes, range).role);
  const chat = roles.indexOf("chat");
  if (chat < 0 || failed[chat] === true) return spans;
  let index = -1;
  return rewriteSpans(spans, (_bytes, range) => {
    index += 1;
    if (failed[index] !== true || roles[index] !== "attempt") return undefined;
    return rewriteFields(bytes, range, (field) => (field === 15 ? "" : undefined));
  });
}

function hasFailed(bytes: Buffer, spanStart: number, spanEnd: number): boolean {
  let code: number = StatusCode.unset;
  eachField(bytes, spanStart, spanEnd, (field, _wire, start, end) => {
    if (field !== 15) return;
    eachField(bytes, start, end, (part, _partWire, from) => {
      if (part === 3) code = readVarint(bytes, from);
    });
  });
  return code === StatusCode.error;
}
