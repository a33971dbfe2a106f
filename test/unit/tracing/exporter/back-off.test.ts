import { expect, test } from "bun:test";
import { backOffMs, probeDelayMs } from "../../../../src/tracing/exporter/back-off.ts";

test("waits double up to half a minute, with jitter below", () => {
  const longest = [0, 1, 2, 6, 7, 50].map((failures) => backOffMs(failures, undefined, () => 1));
  expect(longest).toEqual([250, 500, 1000, 16_000, 30_000, 30_000]);
  expect(backOffMs(0, undefined, () => 0)).toBe(125);
});

test("Retry-After is a floor, never a ceiling", () => {
  expect(backOffMs(0, 90_000, () => 1)).toBe(90_000);
  expect(backOffMs(7, 10, () => 1)).toBe(30_000);
});

test("a paused destination is probed ever more seldom, at least once a minute", () => {
  const longest = [0, 1, 4, 5, 99].map((probes) => probeDelayMs(probes, () => 1));
  expect(longest).toEqual([1000, 2000, 16_000, 32_000, 60_000]);
});

test("a destination that asks for years is asked again within the hour", () => {
  expect(backOffMs(0, 90_000, () => 0)).toBe(90_000);
  for (const asked of [86_400_000, 1e15, Infinity]) {
    expect(backOffMs(0, asked, () => 0)).toBe(3_600_000);
  }
});
