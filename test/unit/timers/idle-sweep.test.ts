import { expect, test } from "bun:test";

import { createIdleSweep } from "../../../src/timers/idle-sweep.ts";

const times = { everyMs: 10, idleEveryMs: 100, calmMs: 30 };

function setUp(look: () => void = () => undefined) {
  const waits: number[] = [];
  const cleared: number[] = [];
  let pending: (() => void) | undefined;
  let looks = 0;
  const world = { isIdle: true };
  const sweep = createIdleSweep<number>(
    {
      look() {
        looks += 1;
        look();
      },
      isIdle: () => world.isIdle,
    },
    times,
    {
      set(call, withinMs) {
        pending = call;
        return waits.push(withinMs);
      },
      clear: (timer) => void cleared.push(timer),
    },
  );
  sweep.start();
  return { sweep, world, waits, cleared, looks: () => looks, turn: () => pending?.() };
}

test("looks are frequent while there is something, and seldom once there has been nothing for a while", () => {
  const { world, waits, looks, turn } = setUp();
  world.isIdle = false;
  for (let at = 0; at < 5; at++) turn();
  world.isIdle = true;
  for (let at = 0; at < 4; at++) turn();
  expect(waits).toEqual([10, 10, 10, 10, 10, 10, 10, 10, 100, 100]);
  expect(looks()).toBe(9);
  world.isIdle = false;
  turn();
  expect(waits.at(-1)).toBe(10);
});

test("what comes while looks are seldom is looked after in time, and for a while from then on", () => {
  const { sweep, waits, cleared, turn } = setUp();
  for (let at = 0; at < 3; at++) turn();
  sweep.wake();
  expect(waits).toEqual([10, 10, 10, 100, 10]);
  expect(cleared).toEqual([4]);
  turn();
  turn();
  expect(waits.slice(5)).toEqual([10, 10]);
});

test("waking it while looks are frequent changes nothing; stopped, it looks no more", () => {
  const { sweep, waits, cleared } = setUp();
  sweep.wake();
  expect({ waits, cleared }).toEqual({ waits: [10], cleared: [] });
  sweep.stop();
  expect(cleared).toEqual([1]);
});

test("a look that throws is not the last one", () => {
  const { waits, turn } = setUp(() => {
    throw new Error("a bug");
  });
  expect(turn).toThrow("a bug");
  expect(waits).toEqual([10, 10]);
});
