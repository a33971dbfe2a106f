// Tests: the encoding of a span written down as plainly as possible, by concatenation: what the encoder on the
// hot path is compared with. Independent of it.

import { utf8ToBinary } from "../../src/protocol/binary-string.ts";
import { doubleAttributes } from "../../src/tracing/recorder/semconv.ts";
import { StatusCode } from "../../src/tracing/recorder/span-encoding.ts";
import type {
  Attributes,
  AttributeValue,
  EncodableSpan,
} from "../../src/tracing/recorder/span-encoding.ts";

/**
 * One span as a ScopeSpans.spans entry. Attributes that are undefined are left out; `common` is added
 * to the span's own (which win). Numbers are int64 when whole, unless the key is one that the
 * conventions type as double.
 */
export function encodeSpan(span: EncodableSpan, common?: Readonly<Attributes>): string {
  let body =
    bytesField("\x0a", hexToBinary(span.traceId)) + bytesField("\x12", hexToBinary(span.spanId));
  if (span.traceState !== "") body += bytesField("\x1a", utf8ToBinary(span.traceState));
  if (span.parentSpanId !== "") body += bytesField("\x22", hexToBinary(span.parentSpanId));
  body += bytesField("\x2a", utf8ToBinary(span.name)) + "\x30" + String.fromCharCode(span.kind);
  body += "\x39" + encodeTimeMs(span.startMs);
  if (span.endMs !== undefined) body += "\x41" + encodeTimeMs(span.endMs);
  for (const key in span.attributes) {
    const value = span.attributes[key];
    if (value !== undefined) body += encodeAttribute(key, value);
  }
  for (const key in common) {
    const value = common[key];
    if (value !== undefined && span.attributes[key] === undefined) {
      body += encodeAttribute(key, value);
    }
  }
  for (const link of span.links ?? []) {
    const ids =
      bytesField("\x0a", hexToBinary(link.traceId)) + bytesField("\x12", hexToBinary(link.spanId));
    body += bytesField("\x6a", ids);
  }
  if (span.statusCode !== StatusCode.unset || span.statusMessage !== "") {
    body += encodeStatus(span.statusCode, span.statusMessage);
  }
  const isRemote = span.parentSpanId === "" ? 1 : span.parentIsRemote ? 3 : 1;
  body += "\x85\x01" + String.fromCharCode(span.traceFlags & 0xff, isRemote, 0, 0);
  return bytesField("\x12", body);
}

/** A Span.attributes entry (field 9). */
function encodeAttribute(key: string, value: AttributeValue): string {
  return bytesField("\x4a", keyField(key) + bytesField("\x12", encodeAnyValue(key, value)));
}

/** A Span.status entry (field 15). */
function encodeStatus(code: StatusCode, message: string): string {
  const text = message === "" ? "" : bytesField("\x12", utf8ToBinary(message));
  return bytesField("\x7a", text + (code === 0 ? "" : "\x18" + String.fromCharCode(code)));
}

/** Milliseconds since the epoch as fixed64 nanoseconds, little-endian, without BigInt. */
function encodeTimeMs(timeMs: number): string {
  const whole = Math.floor(timeMs);
  const nanoseconds = Math.floor((timeMs - whole) * 1e6);
  const scaled = Math.floor(whole / 65536) * 1e6;
  const rest = (scaled % 65536) * 65536 + (whole % 65536) * 1e6 + nanoseconds;
  const high = Math.floor(scaled / 65536) + Math.floor(rest / 4294967296);
  return fixed32(rest % 4294967296) + fixed32(high);
}

/** Tag, length, bytes. `tag` is the encoded tag, `bytes` a binary string. */
function bytesField(tag: string, bytes: string): string {
  return tag + varint(bytes.length) + bytes;
}

function encodeAnyValue(key: string, value: AttributeValue): string {
  switch (typeof value) {
    case "string":
      return bytesField("\x0a", utf8ToBinary(value));
    case "boolean":
      return value ? "\x10\x01" : "\x10\x00";
    case "number":
      return Number.isSafeInteger(value) && !doubleAttributes.has(key)
        ? "\x18" + (value < 0 ? negativeVarint(value) : varint(value))
        : "\x21" + double(value);
    default: {
      let values = "";
      for (const item of value)
        values += bytesField("\x0a", bytesField("\x0a", utf8ToBinary(item)));
      return bytesField("\x2a", values);
    }
  }
}

function keyField(key: string): string {
  return bytesField("\x0a", utf8ToBinary(key));
}

function varint(value: number): string {
  if (value < 128) return String.fromCharCode(value);
  let encoded = "";
  let rest = value;
  while (rest >= 128) {
    encoded += String.fromCharCode((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return encoded + String.fromCharCode(rest);
}

function negativeVarint(value: number): string {
  let rest = BigInt.asUintN(64, BigInt(value));
  let encoded = "";
  while (rest >= 128n) {
    encoded += String.fromCharCode(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return encoded + String.fromCharCode(Number(rest));
}

function fixed32(value: number): string {
  return String.fromCharCode(
    value & 255,
    (value >>> 8) & 255,
    (value >>> 16) & 255,
    (value >>> 24) & 255,
  );
}

function double(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  return fixed32(view.getUint32(0, true)) + fixed32(view.getUint32(4, true));
}

function hexToBinary(hex: string): string {
  let binary = "";
  for (let index = 0; index < hex.length; index += 2) {
    binary += String.fromCharCode((nibble(hex, index) << 4) | nibble(hex, index + 1));
  }
  return binary;
}

function nibble(hex: string, index: number): number {
  const code = hex.charCodeAt(index);
  return code < 58 ? code - 48 : code - 87;
}
