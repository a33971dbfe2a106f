// The seam of dialects: extra attributes that a backend needs to read our spans right. Pure and deterministic:
// stored calls are dialect-free, and a resend must be the same bytes.

import { decodeSpan, spanRanges, type DecodedSpan } from "../../recorder/span-decoding.ts";
import { attributeField, concatBytes } from "../protobuf-writer.ts";
import { appendToSpans } from "../span-splice.ts";

export type ExtraAttributes = Readonly<Record<string, string | number | boolean>>;

/** Says, for each span of a whole call, which attributes to add; undefined for none. */
export type Dialect = (call: readonly DecodedSpan[]) => readonly (ExtraAttributes | undefined)[];

/** Turns stored spans into what one destination gets. */
export type CallTranslation = (spans: Uint8Array) => Uint8Array;

/** A dialect over bytes. A call that cannot be decoded goes out as it is stored. */
export function applyDialect(dialect: Dialect): CallTranslation {
  return (spans) => {
    const decoded = spanRanges(spans).map((range) => decodeSpan(spans, range));
    return appendToSpans(spans, dialect(decoded).map(encodeExtras));
  };
}

function encodeExtras(extras: ExtraAttributes | undefined): Uint8Array | undefined {
  if (extras === undefined) return undefined;
  const entries = Object.entries(extras);
  return concatBytes(entries.map(([key, value]) => attributeField(9, key, value)));
}
