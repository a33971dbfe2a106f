import { expect, test } from "bun:test";
import { createLatencyHistogram } from "../../../src/batch/latency-histogram.ts";

test("percentiles are right within 5 %", () => {
  const histogram = createLatencyHistogram();
  for (let ms = 1; ms <= 10_000; ms++) histogram.add(ms);
  for (const share of [0.01, 0.5, 0.95, 0.99, 1]) {
    const found = histogram.percentile(share) ?? 0;
    expect(found).toBeGreaterThanOrEqual(share * 10_000);
    expect(found).toBeLessThanOrEqual(share * 10_000 * 1.06);
  }
});

test("nothing, nonsense and hours do no harm", () => {
  const histogram = createLatencyHistogram();
  expect(histogram.percentile(0.5)).toBe(undefined);
  for (const ms of [0, -5, 1e12]) histogram.add(ms);
  expect(histogram.percentile(0.5)).toBe(0.1);
  expect(histogram.percentile(1)).toBeGreaterThan(1e6);
});
