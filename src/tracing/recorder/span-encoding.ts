// A span as it is recorded and handed to the encoder (span-writer.ts), and the encoding of a single attribute
// for those who add one to an encoded span. Plain data, pure.
//
// Encoded spans are OTLP protobuf in "binary strings" (one char per byte, 0-255), because a string crosses
// a thread for nothing. The unit is one entry of ScopeSpans.spans (opentelemetry/proto/trace/v1/trace.proto:
// field 2, tag 0x12, length, Span). Entries concatenate: a call is its spans in a row, an export its calls.

import { utf8ToBinary } from "../../protocol/binary-string.ts";
import { doubleAttributes } from "./semconv.ts";

/** An attribute value as OTLP knows it. Structured content is a JSON string. */
export type AttributeValue = string | number | boolean | readonly string[];

export type Attributes = Record<string, AttributeValue | undefined>;

export interface EncodableSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  /** W3C tracestate as received; empty when absent. */
  readonly traceState: string;
  /** W3C trace flags, 0-255. */
  readonly traceFlags: number;
  /** Whether the parent is in another process: bits 8 and 9 of Span.flags. */
  readonly parentIsRemote: boolean;
  readonly name: string;
  readonly kind: SpanKind;
  /** Milliseconds since the epoch, with fraction. */
  readonly startMs: number;
  /** Absent while the span is open. */
  readonly endMs: number | undefined;
  readonly attributes: Readonly<Attributes>;
  readonly statusCode: StatusCode;
  readonly statusMessage: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

/** OTLP's numbers. */
export const SpanKind = { internal: 1, server: 2, client: 3 } as const;
export type SpanKind = (typeof SpanKind)[keyof typeof SpanKind];

export const StatusCode = { unset: 0, ok: 1, error: 2 } as const;
export type StatusCode = (typeof StatusCode)[keyof typeof StatusCode];

/** A Span.attributes entry (field 9). */
export function encodeAttribute(key: string, value: AttributeValue): string {
  return bytesField(
    "\x4a",
    bytesField("\x0a", utf8ToBinary(key)) + bytesField("\x12", encodeAnyValue(key, value)),
  );
}

/** Tag, length, bytes. `tag` is the encoded tag, `bytes` a binary string. */
export function bytesField(tag: string, bytes: string): string {
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
