// The seam of dialects: extra attributes that a backend needs to read our spans right. Pure and deterministic:
// stored calls are dialect-free, and a resend must be the same bytes.

import {
  decodeSpan,
  spanName,
  spanRanges,
  type DecodedSpan,
  type SpanRange,
} from "../../recorder/span-decoding.ts";
import { attributeField, concatBytes } from "../protobuf-writer.ts";
import { appendToSpans } from "../span-splice.ts";

export type ExtraAttributes = Readonly<Record<string, string | number | boolean>>;

/** A span of the call. Its name is cheap; the rest is decoded only when asked for. */
export interface DialectSpan {
  readonly name: string;
  readonly decoded: () => DecodedSpan;
}

/**
 * Says, for each span of a whole call, which attributes to add; undefined for none. An object that comes
 * back more than once is encoded once.
 */
export type Dialect = (call: readonly DialectSpan[]) => readonly (ExtraAttributes | undefined)[];

/** Turns stored spans into what one destination gets. Throws RangeError when they cannot be read. */
export type CallTranslation = (spans: Uint8Array) => Uint8Array;

export function applyDialect(dialect: Dialect): CallTranslation {
  const encoded = new WeakMap<ExtraAttributes, Uint8Array>();
  const encode = (extras: ExtraAttributes | undefined): Uint8Array | undefined => {
    if (extras === undefined) return undefined;
    const known = encoded.get(extras);
    if (known !== undefined) return known;
    const bytes = encodeExtras(extras);
    encoded.set(extras, bytes);
    return bytes;
  };
  return (spans) => {
    const ranges = spanRanges(spans);
    const extras = dialect(ranges.map((range) => dialectSpan(spans, range)));
    return appendToSpans(spans, ranges, extras.map(encode));
  };
}

function dialectSpan(bytes: Uint8Array, range: SpanRange): DialectSpan {
  return { name: spanName(bytes, range), decoded: () => decodeSpan(bytes, range) };
}

function encodeExtras(extras: ExtraAttributes): Uint8Array {
  const entries = Object.entries(extras);
  return concatBytes(entries.map(([key, value]) => attributeField(9, key, value)));
}
