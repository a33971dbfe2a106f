import { expect, test } from "bun:test";
import {
  binaryToUtf8,
  fromBinary,
  toBinary,
  utf8ToBinary,
} from "../../../src/protocol/binary-string.ts";

test("every byte goes there and back, from a view into a larger buffer too", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
  expect(new Uint8Array(fromBinary(toBinary(bytes)))).toEqual(bytes);
  expect(toBinary(bytes.subarray(65, 68))).toBe("ABC");
  expect(toBinary(bytes)).toHaveLength(256);
});

test.each(["", "plain", "é", "日本😀", "\0\x7f\x80", "\u2028"])("%p is its UTF-8 bytes", (text) => {
  expect(fromBinary(utf8ToBinary(text)).toString("utf8")).toBe(text);
  expect(binaryToUtf8(utf8ToBinary(text))).toBe(text);
});
