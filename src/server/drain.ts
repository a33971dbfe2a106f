// How the calls in flight are ended when everyspan stops: left to finish, then cancelled, then cut off with their
// threads; and the replies on their way are given time to leave. Server thread.

import type { OpenCalls } from "./open-calls.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface Drain {
  /** Resolves when no call is open, and no reply on its way that its client still takes. */
  readonly run: () => Promise<void>;
  /** Ends all waiting that is left to the calls' good will. */
  readonly hurry: () => void;
}

/** For a cancelled call to come back with its error. */
const cancelWithinMs = 2000;
/** For the last replies to leave when the drain itself has taken all of its time. */
const deliverWithinMs = 1000;
const lookEveryMs = 10;

export function createDrain(options: {
  readonly openCalls: Pick<OpenCalls, "idle" | "count" | "ids">;
  readonly pool: Pick<WorkerPool, "cancel" | "stop">;
  /** Requests that are not answered to the last byte. */
  readonly pendingRequests: () => number;
  readonly timeoutMs: number;
  readonly notice: (level: "warning", text: string) => void;
}): Drain {
  const { openCalls, pool, notice } = options;
  const told = Promise.withResolvers<void>();
  let isHurried = false;

  /** Whether the calls were done within that time. */
  async function idleWithin(ms: number, canHurry = false): Promise<boolean> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, ms);
    const ends = [openCalls.idle(), late.promise];
    await Promise.race(canHurry ? [...ends, told.promise] : ends);
    clearTimeout(timer);
    return openCalls.count() === 0;
  }

  async function endCalls(): Promise<void> {
    if (await idleWithin(options.timeoutMs, true)) return;
    notice("warning", `ending the calls that still run: ${openCalls.count()}`);
    for (const call of openCalls.ids()) pool.cancel(call, "draining");
    if (await idleWithin(cancelWithinMs)) return;
    // Their threads do not even answer a cancel: ending the threads ends the calls.
    notice("warning", `ending the threads of calls that do not end: ${openCalls.count()}`);
    await pool.stop();
    await idleWithin(cancelWithinMs);
  }

  return {
    async run() {
      const untilMs = performance.now() + options.timeoutMs;
      await endCalls();
      const lastMs = performance.now() + deliverWithinMs;
      const hasTime = (): boolean =>
        performance.now() < (isHurried ? lastMs : Math.max(untilMs, lastMs));
      while (options.pendingRequests() > 0 && hasTime()) await Bun.sleep(lookEveryMs);
    },
    hurry() {
      isHurried = true;
      told.resolve();
    },
  };
}
