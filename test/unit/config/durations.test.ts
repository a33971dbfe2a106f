import { describe, expect, test } from "bun:test";
import { formatDuration, parseDuration } from "../../../src/config/durations.ts";

describe("a duration", () => {
  test.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["2m", 120_000],
    ["24h", 86_400_000],
    ["7d", 604_800_000],
    ["1.5h", 5_400_000],
    ["0s", 0],
    [" 5 s ", 5000],
  ])("%s is %d ms", (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  test.each(["", "30", "s", "-1s", "1e3s", "30 sec", "1h30m", "1.s", "99999999999999d", "30S"])(
    "%p is none",
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  test("is written so that it reads back as the same number", () => {
    for (let count = 0; count < 2000; count++) {
      const durationMs = Math.floor(Math.random() * 10 ** (count % 11));
      expect(parseDuration(formatDuration(durationMs))).toBe(durationMs);
    }
  });

  test.each([
    [86_400_000, "24h"],
    [172_800_000, "2d"],
    [600_000, "10m"],
    [1500, "1500ms"],
    [0, "0ms"],
  ])("of %d ms is written %s", (durationMs, expected) => {
    expect(formatDuration(durationMs)).toBe(expected);
  });
});
