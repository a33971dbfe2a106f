// Writes the few protobuf fields the exporter adds to stored spans, and the envelope around them. Pure.

/** Joins byte arrays into one. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

/** An unsigned varint of a safe integer. */
export function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}

export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length += 1;
  return length;
}

/** A LEN field: tag, length, payload. */
export function lengthField(field: number, payload: Uint8Array): Uint8Array {
  const head = Uint8Array.from([...varint(field * 8 + 2), ...varint(payload.length)]);
  return concatBytes([head, payload]);
}

export function textField(field: number, text: string): Uint8Array {
  return lengthField(field, Buffer.from(text, "utf8"));
}

export function varintField(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field * 8), ...varint(value)]);
}

export function fixed64Field(field: number, value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return concatBytes([Uint8Array.from(varint(field * 8 + 1)), bytes]);
}

/** One attribute of a Span (field 9), Resource or scope (field 1): KeyValue of string, boolean or number. */
export function attributeField(
  field: number,
  key: string,
  value: string | number | boolean,
): Uint8Array {
  return lengthField(field, concatBytes([textField(1, key), lengthField(2, anyValue(value))]));
}

function anyValue(value: string | number | boolean): Uint8Array {
  if (typeof value === "string") return textField(1, value);
  if (typeof value === "boolean") return varintField(2, value ? 1 : 0);
  if (Number.isSafeInteger(value) && value >= 0) return varintField(3, value);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return concatBytes([Uint8Array.from([4 * 8 + 1]), bytes]);
}
