import { expect, test } from "bun:test";

import { createWallClock, systemClock } from "../../../../src/tracing/recorder/clock.ts";

function setUp() {
  const world = { runningMs: 1000.25, wallMs: 1000 };
  const clock = createWallClock(
    () => world.runningMs,
    () => world.wallMs,
  );
  const pass = (ms: number): void => {
    world.runningMs += ms;
    world.wallMs += ms;
  };
  return { world, clock, pass };
}

test("it is the running time, fractions and all, while the wall clock agrees", () => {
  const { world, clock, pass } = setUp();
  expect(clock()).toBe(1000.25);
  pass(60);
  world.wallMs += 900; // a correction
  expect(clock()).toBe(1060.25);
});

test("what the machine has slept is added, at the latest a moment after it woke", () => {
  const { world, clock, pass } = setUp();
  clock();
  pass(10);
  world.wallMs += 8 * 3_600_000;
  expect(clock()).toBe(1010.25); // it looks at the wall clock now and then only
  pass(40);
  expect(clock()).toBe(1050 + 8 * 3_600_000);
  pass(100);
  expect(clock()).toBe(1150 + 8 * 3_600_000);
  world.wallMs += 5000;
  pass(100);
  expect(clock()).toBe(1250 + 8 * 3_600_000 + 5000);
});

test("it does not go back when the wall clock does", () => {
  const { world, clock, pass } = setUp();
  clock();
  world.wallMs -= 3_600_000;
  pass(100);
  expect(clock()).toBe(1100.25);
});

test("the real ones agree", () => {
  expect(Math.abs(createWallClock()() - systemClock())).toBeLessThan(50);
});
