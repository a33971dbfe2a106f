// Walks protobuf wire format in place (protobuf.dev/programming-guides/encoding). Pure; runs on any thread.
// Throws RangeError on bytes that are not protobuf: it must never read past `end`.

/**
 * Called per field. `start`..`end` is the value: the varint's bytes, the fixed bytes, or a LEN payload.
 * Returning false ends the walk.
 */
export type FieldVisitor = (field: number, wire: number, start: number, end: number) => unknown;

export const wireVarint = 0;
export const wireFixed64 = 1;
export const wireLen = 2;
export const wireFixed32 = 5;

/** Where a walk through a message is: one object for many fields, so that a field costs none. */
export interface FieldCursor {
  field: number;
  wire: number;
  /** Of the value, as {@link FieldVisitor} has it. The next field begins at `end`. */
  start: number;
  end: number;
}

export function fieldCursor(): FieldCursor {
  return { field: 0, wire: 0, start: 0, end: 0 };
}

/** Visits the fields of one message in order. Throws RangeError when it is cut or malformed. */
export function eachField(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: FieldVisitor,
): void {
  const cursor = fieldCursor();
  let at = start;
  while (at < end) {
    readField(bytes, at, end, cursor);
    at = cursor.end;
    if (visit(cursor.field, cursor.wire, cursor.start, at) === false) return;
  }
}

/** Reads the head of the field at `at` of a message that ends at `end`. Throws RangeError as above. */
export function readField(bytes: Uint8Array, at: number, end: number, cursor: FieldCursor): void {
  const tagEnd = varintEnd(bytes, at, end);
  const tag = tagEnd === at + 1 ? (bytes[at] ?? 0) : readVarint(bytes, at);
  const wire = tag & 7;
  const field = Math.floor(tag / 8);
  let valueStart = tagEnd;
  let valueEnd: number;
  if (wire === wireLen) {
    valueStart = varintEnd(bytes, tagEnd, end);
    const isShort = valueStart === tagEnd + 1;
    valueEnd = valueStart + (isShort ? (bytes[tagEnd] ?? 0) : readVarint(bytes, tagEnd));
  } else if (wire === wireVarint) {
    valueEnd = varintEnd(bytes, tagEnd, end);
  } else if (wire === wireFixed64) {
    valueEnd = tagEnd + 8;
  } else if (wire === wireFixed32) {
    valueEnd = tagEnd + 4;
  } else {
    throw new RangeError(`protobuf wire type ${wire} at byte ${at}`);
  }
  if (valueEnd > end || field === 0) throw new RangeError(`protobuf cut at byte ${at}`);
  cursor.field = field;
  cursor.wire = wire;
  cursor.start = valueStart;
  cursor.end = valueEnd;
}

/** An unsigned varint as a number; exact up to 2^53. */
export function readVarint(bytes: Uint8Array, start: number): number {
  let value = 0;
  let scale = 1;
  for (let at = start; ; at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
}

/** A varint as a signed 64-bit integer (protobuf int64: two's complement). */
export function readInt64(bytes: Uint8Array, start: number): bigint {
  let value = 0n;
  let shift = 0n;
  for (let at = start; ; at += 1) {
    const byte = bytes[at] ?? 0;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asIntN(64, value);
    shift += 7n;
  }
}

export function readFixed32(bytes: Uint8Array, start: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + start, 4).getUint32(0, true);
}

export function readFixed64(bytes: Uint8Array, start: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset + start, 8).getBigUint64(0, true);
}

export function readDouble(bytes: Uint8Array, start: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + start, 8).getFloat64(0, true);
}

/** A UTF-8 string; invalid sequences become U+FFFD, never an error. */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  return utf8.decode(bytes.subarray(start, end));
}

export function readHex(bytes: Uint8Array, start: number, end: number): string {
  return bytes.subarray(start, end).toHex();
}

const utf8 = new TextDecoder();

function varintEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end && at < start + 10; at += 1) {
    if ((bytes[at] ?? 0) < 0x80) return at + 1;
  }
  throw new RangeError(`protobuf varint cut at byte ${start}`);
}
