// Encodes the spans of a call as OTLP protobuf into one buffer that is used again for every call, and takes
// a single string out of it. One writer per thread, made at its entry: a call is written without a break,
// so no two can meet in the buffer. The bytes are those of span-encoding.ts, at a third of its cost.

import { doubleAttributes } from "./semconv.ts";
import type { Attributes, AttributeValue, EncodableSpan } from "./span-encoding.ts";

export interface SpanWriter {
  /**
   * ScopeSpans.spans entries in a row, as a binary string. `common` is added to each span's own attributes,
   * which win.
   */
  readonly encode: (spans: readonly EncodableSpan[], common?: Readonly<Attributes>) => string;
}

const initialBytes = 64 * 1024;
/** Tags, lengths, ids, times: what a span has besides its texts stays well below. */
const fixedPartBytes = 512;
/** A buffer that one huge call has blown up is let go. */
const keptBytesMax = 1024 * 1024;
/** Keys are ours, but those of a resource or a config may be anybody's: the rest is encoded each time. */
const keptKeysMax = 1000;

export function createSpanWriter(): SpanWriter {
  const keys = new Map<string, Uint8Array>();
  let buffer = Buffer.allocUnsafe(initialBytes);
  let at = 0;

  function reserve(bytes: number): void {
    if (at + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + bytes));
    buffer.copy(larger, 0, 0, at);
    buffer = larger;
  }

  function varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      buffer[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    buffer[at++] = rest;
  }

  /** Begins a field of bytes whose length is not known yet: one byte is left for it. */
  function open(tag: number): number {
    buffer[at++] = tag;
    return ++at;
  }

  /** Fills in the length of what was written since `open`; moves it when the length takes more than a byte. */
  function close(start: number): void {
    const length = at - start;
    if (length < 128) {
      buffer[start - 1] = length;
      return;
    }
    const more = length < 16_384 ? 1 : length < 2_097_152 ? 2 : length < 268_435_456 ? 3 : 4;
    reserve(more);
    buffer.copyWithin(start + more, start, at);
    const end = at + more;
    at = start - 1;
    varint(length);
    at = end;
  }

  /** Length and UTF-8 bytes. Short ASCII, almost all there is, is copied without a call. */
  function text(value: string): void {
    const { length } = value;
    reserve(length * 3 + 16);
    if (length < 128) {
      // Locals: the compiler cannot know that nobody else writes to what functions share.
      const into = buffer;
      const start = at + 1;
      let index = 0;
      for (; index < length; index++) {
        const code = value.charCodeAt(index);
        if (code > 127) break;
        into[start + index] = code;
      }
      if (index === length) {
        into[start - 1] = length;
        at = start + length;
        return;
      }
    }
    const bytes = Buffer.byteLength(value);
    varint(bytes);
    at += buffer.write(value, at, bytes, "utf8");
  }

  function hexField(tag: number, hex: string): void {
    const bytes = hex.length >> 1;
    buffer[at] = tag;
    buffer[at + 1] = bytes;
    buffer.write(hex, at + 2, bytes, "hex");
    at += bytes + 2;
  }

  /** Milliseconds since the epoch as fixed64 nanoseconds, little-endian, without BigInt. */
  function timeField(tag: number, timeMs: number): void {
    const whole = Math.floor(timeMs);
    const nanoseconds = Math.floor((timeMs - whole) * 1e6);
    const scaled = Math.floor(whole / 65536) * 1e6;
    const rest = (scaled % 65536) * 65536 + (whole % 65536) * 1e6 + nanoseconds;
    buffer[at++] = tag;
    fixed32(rest % 4294967296);
    fixed32(Math.floor(scaled / 65536) + Math.floor(rest / 4294967296));
  }

  function fixed32(value: number): void {
    const [into, to] = [buffer, at];
    into[to] = value & 255;
    into[to + 1] = (value >>> 8) & 255;
    into[to + 2] = (value >>> 16) & 255;
    into[to + 3] = (value >>> 24) & 255;
    at = to + 4;
  }

  function keyField(key: string): void {
    const encoded = keys.get(key);
    if (encoded !== undefined) {
      buffer.set(encoded, at);
      at += encoded.length;
      return;
    }
    const start = at;
    buffer[at++] = 0x0a;
    text(key);
    if (keys.size < keptKeysMax) keys.set(key, Uint8Array.from(buffer.subarray(start, at)));
  }

  function attribute(key: string, value: AttributeValue): void {
    reserve(key.length * 3 + fixedPartBytes);
    const entry = open(0x4a);
    keyField(key);
    const content = open(0x12);
    anyValue(key, value);
    close(content);
    close(entry);
  }

  function anyValue(key: string, value: AttributeValue): void {
    switch (typeof value) {
      case "string":
        buffer[at++] = 0x0a;
        text(value);
        break;
      case "boolean":
        buffer[at++] = 0x10;
        buffer[at++] = value ? 1 : 0;
        break;
      case "number":
        numberValue(value, Number.isSafeInteger(value) && !doubleAttributes.has(key));
        break;
      default: {
        const list = open(0x2a);
        for (const item of value) {
          reserve(fixedPartBytes);
          const entry = open(0x0a);
          buffer[at++] = 0x0a;
          text(item);
          close(entry);
        }
        close(list);
      }
    }
  }

  function numberValue(value: number, isInteger: boolean): void {
    if (!isInteger) {
      buffer[at++] = 0x21;
      at = buffer.writeDoubleLE(value, at);
      return;
    }
    buffer[at++] = 0x18;
    if (value >= 0) {
      varint(value);
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 128n) {
      buffer[at++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    buffer[at++] = Number(rest);
  }

  function write(span: EncodableSpan, common: Readonly<Attributes> | undefined): void {
    reserve(fixedPartBytes);
    const entry = open(0x12);
    hexField(0x0a, span.traceId);
    hexField(0x12, span.spanId);
    if (span.traceState !== "") {
      buffer[at++] = 0x1a;
      text(span.traceState);
    }
    if (span.parentSpanId !== "") hexField(0x22, span.parentSpanId);
    buffer[at++] = 0x2a;
    text(span.name);
    reserve(fixedPartBytes);
    buffer[at++] = 0x30;
    buffer[at++] = span.kind;
    timeField(0x39, span.startMs);
    if (span.endMs !== undefined) timeField(0x41, span.endMs);
    for (const key in span.attributes) {
      const value = span.attributes[key];
      if (value !== undefined) attribute(key, value);
    }
    for (const key in common) {
      const value = common[key];
      if (value !== undefined && span.attributes[key] === undefined) attribute(key, value);
    }
    for (const link of span.links ?? []) {
      reserve(fixedPartBytes);
      const field = open(0x6a);
      hexField(0x0a, link.traceId);
      hexField(0x12, link.spanId);
      close(field);
    }
    if (span.statusCode !== 0 || span.statusMessage !== "") writeStatus(span);
    reserve(fixedPartBytes);
    buffer[at++] = 0x85;
    buffer[at++] = 0x01;
    buffer[at++] = span.traceFlags & 0xff;
    buffer[at++] = span.parentSpanId !== "" && span.parentIsRemote ? 3 : 1;
    buffer[at++] = 0;
    buffer[at++] = 0;
    close(entry);
  }

  function writeStatus({ statusCode, statusMessage }: EncodableSpan): void {
    reserve(fixedPartBytes);
    const status = open(0x7a);
    if (statusMessage !== "") {
      buffer[at++] = 0x12;
      text(statusMessage);
    }
    if (statusCode !== 0) {
      buffer[at++] = 0x18;
      buffer[at++] = statusCode;
    }
    close(status);
  }

  return {
    encode(spans, common) {
      at = 0;
      for (const span of spans) write(span, common);
      const encoded = buffer.toString("latin1", 0, at);
      if (buffer.length > keptBytesMax) buffer = Buffer.allocUnsafe(initialBytes);
      return encoded;
    },
  };
}
