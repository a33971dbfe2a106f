// Replaces whole spans among stored ones, for what cannot be done by appending. Pure.

import type { SpanRange } from "../recorder/span-decoding.ts";
import { spanRanges } from "../recorder/span-decoding.ts";
import { bytesField } from "../recorder/span-encoding.ts";
import { eachField } from "../recorder/wire-reader.ts";

/**
 * A copy of `entries` in which `rewrite` has given some spans another body (encoded Span fields, as a binary
 * string); undefined keeps a span. The same array comes back when all are kept.
 */
export function rewriteSpans(
  entries: Uint8Array,
  rewrite: (bytes: Buffer, range: SpanRange) => string | undefined,
): Uint8Array {
  const bytes = asBuffer(entries);
  const pieces: Uint8Array[] = [];
  let keptFrom = 0;
  let at = 0;
  for (const range of spanRanges(entries)) {
    const body = rewrite(bytes, range);
    if (body !== undefined) {
      pieces.push(entries.subarray(keptFrom, at));
      pieces.push(Buffer.from(bytesField("\x12", body), "latin1"));
      keptFrom = range.end;
    }
    at = range.end;
  }
  if (pieces.length === 0) return entries;
  return Buffer.concat([...pieces, entries.subarray(keptFrom)]);
}

/**
 * The span's fields as a binary string, some of them replaced: `replace` gives the whole encoded field, ""
 * to leave it out, undefined to keep it.
 */
export function rewriteFields(
  bytes: Buffer,
  range: SpanRange,
  replace: (field: number, start: number, end: number) => string | undefined,
): string {
  let body = "";
  let fieldStart = range.start;
  eachField(bytes, range.start, range.end, (field, _wire, start, end) => {
    body += replace(field, start, end) ?? bytes.toString("latin1", fieldStart, end);
    fieldStart = end;
  });
  return body;
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
