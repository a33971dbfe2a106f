import { expect, test } from "bun:test";
import { createRefusalBudget } from "../../../src/server/refusal-budget.ts";

const day = 86_400_000;

test("traces so many a second, counts the rest, and fills up again with time", () => {
  let nowMs = 0;
  const bounds = { perSecond: 10, sizeBytes: 1e9, keptMs: day };
  const budget = createRefusalBudget(() => nowMs, bounds);
  const take = (times: number): number =>
    Array.from({ length: times }, budget.take).filter(Boolean).length;
  expect(take(25)).toBe(10);
  expect(budget.untraced()).toBe(15);
  nowMs += 500;
  expect(take(25)).toBe(5);
  nowMs += 3_600_000;
  expect(take(25)).toBe(10);
});

test("a flood that goes on and on takes its share of the ledger, and no more than that anew", () => {
  let nowMs = 0;
  const sizeBytes = 1_000_000;
  const budget = createRefusalBudget(() => nowMs, { sizeBytes, keptMs: day });
  /** Bytes traced in so many hours of a flood. */
  const flood = (hours: number): number => {
    let bytes = 0;
    for (const endMs = nowMs + hours * 3_600_000; nowMs < endMs; nowMs += 100) {
      if (!budget.take()) continue;
      budget.spend(1000);
      bytes += 1000;
    }
    return bytes;
  };
  expect(flood(1)).toBeWithin(sizeBytes, sizeBytes * 1.1);
  expect(flood(24)).toBeWithin(sizeBytes * 0.95, sizeBytes * 1.05);
  expect(budget.untraced()).toBeGreaterThan(800_000);
});
