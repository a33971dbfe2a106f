import { describe, expect, test } from "bun:test";
import {
  eachField,
  readDouble,
  readFixed64,
  readInt64,
  readVarint,
} from "../../../../src/tracing/recorder/wire-reader.ts";

function fields(bytes: readonly number[]): [number, number, number[]][] {
  const found: [number, number, number[]][] = [];
  const all = Uint8Array.from(bytes);
  eachField(all, 0, all.length, (field, wire, start, end) => {
    found.push([field, wire, [...all.subarray(start, end)]]);
  });
  return found;
}

describe("the protobuf reader", () => {
  test("finds the fields of every wire type", () => {
    expect(
      fields([0x08, 0x96, 0x01, 0x12, 2, 7, 8, 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8]),
    ).toEqual([
      [1, 0, [0x96, 0x01]],
      [2, 2, [7, 8]],
      [3, 5, [1, 2, 3, 4]],
      [4, 1, [1, 2, 3, 4, 5, 6, 7, 8]],
    ]);
  });

  test("ends the walk when told to", () => {
    const seen: number[] = [];
    eachField(Uint8Array.from([0x08, 1, 0x10, 2]), 0, 4, (field) => {
      seen.push(field);
      return false;
    });
    expect(seen).toEqual([1]);
  });

  test("refuses bytes that are cut at any place, or no protobuf at all", () => {
    const whole = [0x12, 3, 1, 2, 3, 0x85, 0x01, 1, 0, 0, 0];
    expect(fields(whole)).toHaveLength(2);
    for (let length = 1; length < whole.length; length += 1) {
      if (length === 5) continue;
      expect(() => fields(whole.slice(0, length))).toThrow(RangeError);
    }
    expect(() => fields([0x0b])).toThrow(RangeError);
    expect(() => fields([0x00, 1])).toThrow(RangeError);
    expect(() => fields([...Array.from({ length: 11 }, () => 0xff), 1])).toThrow(RangeError);
  });

  test("reads numbers over their whole range", () => {
    expect(readVarint(Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0x0f]), 0)).toBe(2 ** 32 - 1);
    const minusOne = Uint8Array.from([...Array.from({ length: 9 }, () => 0xff), 1]);
    expect(readInt64(minusOne, 0)).toBe(-1n);
    const bytes = new Uint8Array(17);
    new DataView(bytes.buffer).setBigUint64(1, 2n ** 63n + 5n, true);
    new DataView(bytes.buffer).setFloat64(9, -0.25, true);
    expect(readFixed64(bytes.subarray(1), 0)).toBe(2n ** 63n + 5n);
    expect(readDouble(bytes.subarray(1), 8)).toBe(-0.25);
  });
});
