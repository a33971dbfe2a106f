import { expect, test } from "bun:test";
import { createRefusalBudget } from "../../../src/server/refusal-budget.ts";

test("traces so many a second, counts the rest, and fills up again with time", () => {
  let nowMs = 0;
  const budget = createRefusalBudget(() => nowMs, 10);
  const take = (times: number): number =>
    Array.from({ length: times }, budget.take).filter(Boolean).length;
  expect(take(25)).toBe(10);
  expect(budget.untraced()).toBe(15);
  nowMs += 500;
  expect(take(25)).toBe(5);
  nowMs += 3_600_000;
  expect(take(25)).toBe(10);
});
