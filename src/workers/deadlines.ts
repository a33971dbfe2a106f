// The times by which something must have happened, of all the calls of a thread, looked at together: a timer of its
// own costs a call several microseconds, and again whenever it is moved. Worker thread.

import { createTransientMap } from "../collections/transient-map.ts";
import type { Clock } from "../tracing/recorder/clock.ts";

/** A time that is waited for. Plain data, whose only use is to be moved or cleared. */
export interface Deadline {
  readonly number: number;
  atMs: number;
  readonly late: () => void;
}

export interface Deadlines {
  /** `late` is called once, when the time is up or at the first look after it, unless it is moved or cleared. */
  readonly set: (withinMs: number, late: () => void) => Deadline;
  /** Waits that long from now, cleared or not. */
  readonly move: (deadline: Deadline, withinMs: number) => void;
  readonly clear: (deadline: Deadline) => void;
  /** To be called from a timer, every few milliseconds. */
  readonly look: () => void;
}

/** A look that comes later than this finds that thread or process stood still: nobody else was silent then. */
const turnMsMax = 1000;

export function createDeadlines(clock: Clock): Deadlines {
  const waiting = createTransientMap<number, Deadline>();
  let made = 0;
  let lookedAtMs = clock();
  /** No deadline is earlier. */
  let earliestMs = Number.POSITIVE_INFINITY;

  function wait(deadline: Deadline): void {
    waiting.set(deadline.number, deadline);
    if (deadline.atMs < earliestMs) earliestMs = deadline.atMs;
  }

  return {
    set(withinMs, late) {
      const deadline = { number: made++, atMs: clock() + withinMs, late };
      wait(deadline);
      return deadline;
    },
    move(deadline, withinMs) {
      deadline.atMs = clock() + withinMs;
      wait(deadline);
    },
    clear: (deadline) => void waiting.delete(deadline.number),
    look() {
      const nowMs = clock();
      const missedMs = nowMs - lookedAtMs - turnMsMax;
      lookedAtMs = nowMs;
      if (missedMs > 0) {
        for (const deadline of waiting.values()) deadline.atMs += missedMs;
        earliestMs += missedMs;
      }
      if (nowMs < earliestMs) return;
      earliestMs = Number.POSITIVE_INFINITY;
      for (const deadline of waiting.values()) {
        if (deadline.atMs > nowMs) {
          earliestMs = Math.min(earliestMs, deadline.atMs);
          continue;
        }
        waiting.delete(deadline.number);
        deadline.late();
      }
    },
  };
}
