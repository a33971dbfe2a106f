// The clocks of everyspan. `hrtime` and `Bun.nanoseconds` have an origin per thread; the sum of these two agrees
// between threads to within microseconds.

/** Milliseconds since the epoch, with fraction. */
export type Clock = () => number;

/** For waits: it never goes back, and stands still while the machine sleeps, as timers do. */
export const systemClock: Clock = () => performance.timeOrigin + performance.now();

/** Smaller differences are the wall clock's own corrections: spans had better agree with each other. */
const toleranceMs = 1000;
const checkEveryMs = 50;

/**
 * For what is recorded: the same, but for what a machine's sleep (or a wall clock put forward) has made it lack.
 * Never goes back. One for each thread: they follow the wall clock each for itself, which is why a span's times are
 * held between its parent's and its children's (call-spans.ts).
 */
export function createWallClock(
  running: Clock = systemClock,
  wall: () => number = Date.now,
): Clock {
  let missedMs = 0;
  let checkedMs = Number.NEGATIVE_INFINITY;
  return () => {
    const runningMs = running();
    if (runningMs - checkedMs >= checkEveryMs) {
      checkedMs = runningMs;
      const behindMs = wall() - runningMs - missedMs;
      if (behindMs > toleranceMs) missedMs += behindMs;
    }
    return runningMs + missedMs;
  };
}
