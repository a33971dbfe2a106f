import { describe, expect, test } from "bun:test";
import { formatSize, parseSize } from "../../../src/config/sizes.ts";

describe("a size", () => {
  test.each([
    ["32MiB", 33_554_432],
    ["2GiB", 2_147_483_648],
    ["1MB", 1_000_000],
    ["512B", 512],
    ["64kb", 64_000],
    ["1.5KiB", 1536],
    ["1 tib", 1_099_511_627_776],
  ])("%s is %d bytes", (text, expected) => {
    expect(parseSize(text)).toBe(expected);
  });

  test.each(["", "32", "32M", "MiB", "-1MiB", "1e3B", "iB", "5 iB", "999999999999TiB", "1ZiB"])(
    "%p is none",
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );

  test("is written so that it reads back as the same number", () => {
    for (let count = 0; count < 2000; count++) {
      const sizeBytes = Math.floor(Math.random() * 10 ** (count % 15));
      expect(parseSize(formatSize(sizeBytes))).toBe(sizeBytes);
    }
  });

  test("is written in the largest unit that is whole", () => {
    expect(formatSize(2 ** 30)).toBe("1GiB");
    expect(formatSize(2_000_000)).toBe("2MB");
    expect(formatSize(1025)).toBe("1025B");
  });
});
