// Decodes stored spans (span-encoding.ts writes them) back into plain records: for status, JSON export,
// dialects and tests. Pure; runs on any thread. Not on the hot path.

import {
  eachField,
  readDouble,
  readFixed32,
  readFixed64,
  readHex,
  readInt64,
  readText,
  readVarint,
  wireLen,
} from "./wire-reader.ts";

export type DecodedValue =
  | string
  | number
  | boolean
  | bigint
  | Uint8Array
  | null
  | readonly DecodedValue[]
  | { readonly [key: string]: DecodedValue };

/** A value with its OTLP type, which a JavaScript number alone does not tell. */
export type TypedValue =
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "int"; readonly value: bigint }
  | { readonly type: "double"; readonly value: number }
  | { readonly type: "bytes"; readonly value: Uint8Array }
  | { readonly type: "array"; readonly value: readonly TypedValue[] }
  | { readonly type: "kvlist"; readonly value: readonly TypedAttribute[] }
  | { readonly type: "empty" };

export interface TypedAttribute {
  readonly key: string;
  readonly value: TypedValue;
}

export interface DecodedLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly flags: number;
}

export interface DecodedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly traceState: string;
  /** OTLP Span.flags: W3C flags in the low 8 bits, 0x100 and 0x200 about the parent. */
  readonly flags: number;
  readonly name: string;
  /** OTLP numbers: 1 INTERNAL, 2 SERVER, 3 CLIENT. */
  readonly kind: number;
  /** Milliseconds since the epoch, with fraction. */
  readonly startMs: number;
  /** Absent while the span is open. */
  readonly endMs: number | undefined;
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint | undefined;
  readonly attributes: Readonly<Record<string, DecodedValue>>;
  readonly typedAttributes: readonly TypedAttribute[];
  /** OTLP numbers: 0 unset, 1 ok, 2 error. */
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly links: readonly DecodedLink[];
}

/** Bytes of one span within its entries: `start`..`end` is the Span message, without tag and length. */
export interface SpanRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Finds the spans in concatenated `ScopeSpans.spans` entries, without decoding them.
 * Throws RangeError when the bytes are cut or hold anything else.
 */
export function spanRanges(bytes: Uint8Array): SpanRange[] {
  const ranges: SpanRange[] = [];
  eachField(bytes, 0, bytes.length, (field, wire, start, end) => {
    if (field !== 2 || wire !== wireLen) throw new RangeError(`field ${field} among spans`);
    ranges.push({ start, end });
  });
  return ranges;
}

/** Decodes concatenated `ScopeSpans.spans` entries, from bytes or from the binary string that crosses threads. */
export function decodeSpans(entries: Uint8Array | string): DecodedSpan[] {
  const bytes = typeof entries === "string" ? Buffer.from(entries, "latin1") : entries;
  return spanRanges(bytes).map((range) => decodeSpan(bytes, range));
}

/** The same, but undefined of bytes that are cut or hold anything else. */
export function readSpans(bytes: Uint8Array): DecodedSpan[] | undefined {
  try {
    return decodeSpans(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Decodes one span found by {@link spanRanges}. */
export function decodeSpan(bytes: Uint8Array, range: SpanRange): DecodedSpan {
  let [traceId, spanId, parentSpanId, traceState, name] = ["", "", "", "", ""];
  let [kind, flags, statusCode, statusMessage] = [0, 0, 0, ""];
  let startUnixNano = 0n;
  let endUnixNano: bigint | undefined;
  const typedAttributes: TypedAttribute[] = [];
  const links: DecodedLink[] = [];
  eachField(bytes, range.start, range.end, (field, _wire, start, end) => {
    if (field === 1) traceId = readHex(bytes, start, end);
    else if (field === 2) spanId = readHex(bytes, start, end);
    else if (field === 3) traceState = readText(bytes, start, end);
    else if (field === 4) parentSpanId = readHex(bytes, start, end);
    else if (field === 5) name = readText(bytes, start, end);
    else if (field === 6) kind = readVarint(bytes, start);
    else if (field === 7) startUnixNano = readFixed64(bytes, start);
    else if (field === 8) endUnixNano = readFixed64(bytes, start);
    else if (field === 9) typedAttributes.push(decodeAttribute(bytes, start, end));
    else if (field === 13) links.push(decodeLink(bytes, start, end));
    else if (field === 16) flags = readFixed32(bytes, start);
    else if (field === 15) {
      eachField(bytes, start, end, (part, _partWire, partStart, partEnd) => {
        if (part === 2) statusMessage = readText(bytes, partStart, partEnd);
        else if (part === 3) statusCode = readVarint(bytes, partStart);
      });
    }
  });
  // proto3 leaves zero out and zero means absent: a span that is not ended has no end time.
  if (endUnixNano === 0n) endUnixNano = undefined;
  return {
    traceId,
    spanId,
    parentSpanId,
    traceState,
    flags,
    name,
    kind,
    startMs: Number(startUnixNano) / 1e6,
    endMs: endUnixNano === undefined ? undefined : Number(endUnixNano) / 1e6,
    startUnixNano,
    endUnixNano,
    attributes: plainRecord(typedAttributes),
    typedAttributes,
    statusCode,
    statusMessage,
    links,
  };
}

function decodeLink(bytes: Uint8Array, start: number, end: number): DecodedLink {
  let [traceId, spanId, traceState, flags] = ["", "", "", 0];
  eachField(bytes, start, end, (field, _wire, from, to) => {
    if (field === 1) traceId = readHex(bytes, from, to);
    else if (field === 2) spanId = readHex(bytes, from, to);
    else if (field === 3) traceState = readText(bytes, from, to);
    else if (field === 6) flags = readFixed32(bytes, from);
  });
  return { traceId, spanId, traceState, flags };
}

function decodeAttribute(bytes: Uint8Array, start: number, end: number): TypedAttribute {
  let key = "";
  let value: TypedValue = { type: "empty" };
  eachField(bytes, start, end, (field, _wire, from, to) => {
    if (field === 1) key = readText(bytes, from, to);
    else if (field === 2) value = decodeValue(bytes, from, to);
  });
  return { key, value };
}

function decodeValue(bytes: Uint8Array, start: number, end: number): TypedValue {
  let value: TypedValue = { type: "empty" };
  eachField(bytes, start, end, (field, _wire, from, to) => {
    if (field === 1) value = { type: "string", value: readText(bytes, from, to) };
    else if (field === 2) value = { type: "bool", value: readVarint(bytes, from) !== 0 };
    else if (field === 3) value = { type: "int", value: readInt64(bytes, from) };
    else if (field === 4) value = { type: "double", value: readDouble(bytes, from) };
    else if (field === 5) value = { type: "array", value: decodeArray(bytes, from, to) };
    else if (field === 6) value = { type: "kvlist", value: decodeKeyValues(bytes, from, to) };
    else if (field === 7) value = { type: "bytes", value: bytes.slice(from, to) };
  });
  return value;
}

function decodeArray(bytes: Uint8Array, start: number, end: number): TypedValue[] {
  const values: TypedValue[] = [];
  eachField(bytes, start, end, (field, _wire, from, to) => {
    if (field === 1) values.push(decodeValue(bytes, from, to));
  });
  return values;
}

function decodeKeyValues(bytes: Uint8Array, start: number, end: number): TypedAttribute[] {
  const pairs: TypedAttribute[] = [];
  eachField(bytes, start, end, (field, _wire, from, to) => {
    if (field === 1) pairs.push(decodeAttribute(bytes, from, to));
  });
  return pairs;
}

function plainRecord(attributes: readonly TypedAttribute[]): Record<string, DecodedValue> {
  const record: Record<string, DecodedValue> = {};
  for (const { key, value } of attributes) record[key] = plainValue(value);
  return record;
}

/** Integers within 2^53 become numbers, larger ones stay bigint. */
function plainValue(value: TypedValue): DecodedValue {
  if (value.type === "empty") return null;
  if (value.type === "array") return value.value.map(plainValue);
  if (value.type === "kvlist") return plainRecord(value.value);
  if (value.type !== "int") return value.value;
  const number = Number(value.value);
  return Number.isSafeInteger(number) ? number : value.value;
}
