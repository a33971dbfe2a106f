import { describe, expect, test } from "bun:test";
import { createWorkerWatch, lookTimes } from "../../../src/server/worker-watch.ts";

function watched(stallTimeoutMs = 1000) {
  let nowMs = 5000;
  const stalled: number[] = [];
  const hogs: number[] = [];
  const memory = { residentBytes: 0 };
  const watch = createWorkerWatch({
    clock: () => nowMs,
    stallTimeoutMs,
    onStalled: (thread) => stalled.push(thread),
    memoryLimitBytes: 1000 * 1024 * 1024,
    residentBytes: () => memory.residentBytes,
    onHog: (thread) => hogs.push(thread),
  });
  const beats = (thread: number): Int32Array => {
    const shared = new SharedArrayBuffer(8);
    watch.add(thread, shared);
    return new Int32Array(shared);
  };
  /** Looks as often as it would in that time, with `alive` threads beating. */
  const pass = (ms: number, ...alive: readonly Int32Array[]): void => {
    for (let at = 0; at < ms; at += lookTimes.everyMs) {
      for (const counter of alive) Atomics.add(counter, 0, 1);
      nowMs += lookTimes.everyMs;
      watch.look();
    }
  };
  return {
    watch,
    stalled,
    hogs,
    memory,
    beats,
    pass,
    /** This thread's own loop stands still for a while. */
    sleep(ms: number) {
      nowMs += ms;
      watch.look();
    },
  };
}

describe("the watch over worker threads", () => {
  test("tells of a thread that has been silent for the stall timeout, once", () => {
    const { stalled, beats, pass } = watched();
    const [one] = [beats(1), beats(2)];
    pass(900, one);
    expect(stalled).toEqual([]);
    pass(200, one);
    expect(stalled).toEqual([2]);
    pass(5000, one);
    expect(stalled).toEqual([2]);
  });

  test("does not count the time in which its own loop stood still", () => {
    const { stalled, beats, pass, sleep } = watched();
    beats(1);
    for (let night = 0; night < 10; night++) sleep(28_800_000);
    expect(stalled).toEqual([]);
    pass(1000);
    expect(stalled).toEqual([1]);
  });

  test("begins anew with every beat", () => {
    const { stalled, beats, pass } = watched();
    const one = beats(1);
    for (let round = 0; round < 20; round++) {
      pass(900);
      pass(lookTimes.everyMs, one);
    }
    expect(stalled).toEqual([]);
  });

  test("calls a thread late long before it is stalled, and not once it beats again", () => {
    const { watch, beats, pass } = watched();
    const one = beats(1);
    pass(200);
    expect(watch.isLate(1)).toBe(false);
    pass(100);
    expect(watch.isLate(1)).toBe(true);
    pass(lookTimes.everyMs, one);
    expect(watch.isLate(1)).toBe(false);
    expect(watch.isLate(99)).toBe(false);
  });

  test("blames the thread with most of the memory, and none when none has", () => {
    const { hogs, memory, beats, pass } = watched();
    const [small, large] = [beats(1), beats(2)];
    memory.residentBytes = 1100 * 1024 * 1024;
    Atomics.store(small, 1, 300);
    Atomics.store(large, 1, 400);
    pass(1000, small, large);
    expect(hogs).toEqual([]);
    Atomics.store(large, 1, 700);
    pass(1000, small, large);
    expect(hogs).toEqual([2]);
  });

  test("blames a thread that no longer turns its loop while memory runs out", () => {
    const { hogs, memory, beats, pass } = watched(5000);
    const [alive] = [beats(1), beats(2)];
    pass(500, alive);
    expect(hogs).toEqual([]);
    memory.residentBytes = 1100 * 1024 * 1024;
    pass(100, alive);
    expect(hogs).toEqual([2]);
    pass(3000, alive);
    expect(hogs).toEqual([2]);
  });

  test("forgets a thread that has gone", () => {
    const { watch, stalled, beats, pass } = watched();
    beats(1);
    watch.remove(1);
    pass(5000);
    expect(stalled).toEqual([]);
  });
});
