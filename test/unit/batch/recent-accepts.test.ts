import { expect, test } from "bun:test";
import { createRecentAccepts } from "../../../src/batch/recent-accepts.ts";

test("a few calls say nothing of how many are served a second", () => {
  const accepts = createRecentAccepts();
  for (let call = 0; call < 7; call++) accepts.add(call * 100);
  expect(accepts.perSecond()).toBeUndefined();
  accepts.add(700);
  expect(accepts.perSecond()).toBe(10);
});

test("only the last sixty-four count, and none from before it was cleared", () => {
  const accepts = createRecentAccepts();
  for (let call = 0; call < 1000; call++) accepts.add(call * 100);
  for (let call = 0; call < 64; call++) accepts.add(200_000 + call * 10);
  expect(accepts.perSecond()).toBeCloseTo(100);
  accepts.clear();
  expect(accepts.perSecond()).toBeUndefined();
});
