import { expect, test } from "bun:test";
import { createCostGuard } from "../../../src/batch/cost-guard.ts";

test("without a sum everything is allowed", async () => {
  const guard = createCostGuard(undefined, 1e9);
  for (let row = 0; row < 100; row++) guard.sent();
  expect(await guard.allows()).toBe(true);
});

test("rows of one price stop exactly at the sum, however many are in flight", async () => {
  const guard = createCostGuard(1, 0);
  let sent = 0;
  let flying = 0;
  let spent = 0;
  const land = (): void => {
    flying -= 1;
    spent += 0.1;
    guard.settled(0.1);
  };
  for (;;) {
    const allowed = guard.allows();
    if (flying > 0) land();
    if (!(await allowed)) break;
    sent += 1;
    flying += 1;
    guard.sent();
  }
  expect(sent).toBe(10);
  expect(spent).toBeCloseTo(1, 9);
});

test("what was spent before counts", async () => {
  expect(await createCostGuard(1, 1).allows()).toBe(false);
});

test("before a row has shown what it costs, it is counted at what it is expected to", async () => {
  expect(await createCostGuard(1, 0.95, 0.1).allows()).toBe(false);
  const guard = createCostGuard(1, 0.75, 0.1);
  expect(await guard.allows()).toBe(true);
  guard.sent();
  expect(await guard.allows()).toBe(true);
  guard.sent();
  const third = guard.allows();
  guard.settled(0.01);
  guard.settled(0.01);
  expect(await third).toBe(true);
});
