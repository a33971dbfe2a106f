// Makes a call's own first span the root of its trace, for a destination that the caller's own spans never reach:
// a parent that never comes keeps a trace unfinished there. The caller's span stays as a link. Pure.

import type { SpanRange } from "../../recorder/span-decoding.ts";
import { bytesField } from "../../recorder/span-encoding.ts";
import { eachField, readFixed32 } from "../../recorder/wire-reader.ts";
import { rewriteFields, rewriteSpans } from "../span-rewrite.ts";

export function cutRootParent(spans: Uint8Array): Uint8Array {
  return rewriteSpans(spans, (bytes, range) => {
    const root = readRoot(bytes, range);
    if (root === undefined) return undefined;
    const { traceId, parentSpanId, traceState, traceFlags } = root;
    let link = bytesField("\x0a", traceId) + bytesField("\x12", parentSpanId);
    if (traceState !== "") link += bytesField("\x1a", traceState);
    link += flagsField("\x35", traceFlags, 3);
    const body = rewriteFields(bytes, range, (field) =>
      field === 4 || field === 16 ? "" : undefined,
    );
    return body + bytesField("\x6a", link) + flagsField("\x85\x01", traceFlags, 1);
  });
}

/** Binary strings of a span whose parent is in another process; undefined for every other span. */
function readRoot(bytes: Buffer, range: SpanRange) {
  let [traceId, parentSpanId, traceState] = ["", "", ""];
  let flags = 0;
  eachField(bytes, range.start, range.end, (field, _wire, start, end) => {
    if (field === 1) traceId = bytes.toString("latin1", start, end);
    else if (field === 3) traceState = bytes.toString("latin1", start, end);
    else if (field === 4) parentSpanId = bytes.toString("latin1", start, end);
    else if (field === 16) flags = readFixed32(bytes, start);
  });
  const isRemote = (flags & parentIsRemote) === parentIsRemote && parentSpanId !== "";
  return isRemote ? { traceId, parentSpanId, traceState, traceFlags: flags & 0xff } : undefined;
}

/** Span.flags: whether it is known that the parent is remote, and that it is. */
const parentIsRemote = 0x300;

/** W3C flags, and in bits 8 and 9 whether the context is known to be remote, and is (opentelemetry-proto). */
function flagsField(tag: string, traceFlags: number, remoteBits: number): string {
  return tag + String.fromCharCode(traceFlags, remoteBits, 0, 0);
}
