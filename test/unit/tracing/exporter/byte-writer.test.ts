import { expect, test } from "bun:test";
import {
  createByteWriter,
  toBytes,
  utf8Length,
} from "../../../../src/tracing/exporter/byte-writer.ts";
import { varint } from "../../../../src/tracing/exporter/protobuf-writer.ts";

const texts = ["", "plain", "Où est Zoé?", "x".repeat(95) + "é", "x".repeat(5000), "\u{1f600}"];

test("bytes are as they were put, whatever room they take", () => {
  const out = createByteWriter();
  out.clear();
  const parts: Uint8Array[] = [];
  for (const size of [0, 1, 127, 300_000, 5, 3_000_000, 2]) {
    const bytes = Buffer.alloc(size, size % 251);
    out.put(bytes);
    out.put(bytes.toString("latin1"));
    out.copy(bytes, size >> 1, size);
    out.byte(7);
    out.varint(size);
    parts.push(bytes, bytes, bytes.subarray(size >> 1), Uint8Array.from([7, ...varint(size)]));
  }
  expect(out.bytes().equals(Buffer.concat(parts))).toBe(true);
  expect(out.size()).toBe(Buffer.concat(parts).length);
});

test("texts are UTF-8 of the length that was told, short or long, ASCII or not", () => {
  const out = createByteWriter();
  for (const text of texts) {
    const expected = Buffer.from(text, "utf8");
    expect(utf8Length(text)).toBe(expected.length);
    out.clear();
    out.utf8(text, utf8Length(text));
    expect(out.bytes()).toEqual(expected);
  }
});

test("a head goes in front of what is there, into the margin left for it", () => {
  const out = createByteWriter();
  out.clear(8);
  out.put("\x01\x02\xff");
  expect(out.size()).toBe(3);
  expect(out.under(Uint8Array.of(9, 8))).toEqual(Buffer.from([9, 8, 1, 2, 255]));
  out.clear();
  expect(out.size()).toBe(0);
  expect(out.bytes()).toEqual(Buffer.alloc(0));
});

test("bytes that came as a binary string are bytes again", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  expect(toBytes(Buffer.from(bytes).toString("latin1"))).toEqual(Buffer.from(bytes));
  expect(toBytes(bytes)).toBe(bytes);
});
