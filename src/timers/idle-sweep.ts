// Looks after things every few milliseconds while there is anything to look after, and seldom while there is not: an
// idle gateway is to leave its machine alone. Any thread.

export interface IdleSweep {
  readonly start: () => void;
  /** There is something again: the next look comes in time. Costs nothing while looks are frequent. */
  readonly wake: () => void;
  readonly stop: () => void;
}

export interface SweepTimes {
  readonly everyMs: number;
  readonly idleEveryMs: number;
  /** So long nothing has been there before looks become seldom: calls that follow each other do not wake it each. */
  readonly calmMs: number;
}

/** Idle, still often enough for a worker thread not to seem silent (server/worker-watch.ts). */
const usualTimes: SweepTimes = { everyMs: 10, idleEveryMs: 100, calmMs: 1000 };

/** What `setTimeout` and `clearTimeout` are here. */
export interface Timers<Timer> {
  readonly set: (call: () => void, withinMs: number) => Timer;
  readonly clear: (timer: Timer) => void;
}

const realTimers: Timers<ReturnType<typeof setTimeout>> = {
  set: (call, withinMs) => setTimeout(call, withinMs),
  clear: (timer) => clearTimeout(timer),
};

export function createIdleSweep<Timer = ReturnType<typeof setTimeout>>(
  { look, isIdle }: { readonly look: () => void; readonly isIdle: () => boolean },
  { everyMs, idleEveryMs, calmMs }: SweepTimes = usualTimes,
  timers: Timers<Timer> = realTimers as unknown as Timers<Timer>,
): IdleSweep {
  let calmForMs = 0;
  let isSeldom = false;
  let timer: Timer | undefined;

  function turn(): void {
    // First of all, so that a look that throws is not the last one.
    calmForMs = isIdle() ? calmForMs + everyMs : 0;
    isSeldom = calmForMs >= calmMs;
    timer = timers.set(turn, isSeldom ? idleEveryMs : everyMs);
    look();
  }

  function stop(): void {
    if (timer !== undefined) timers.clear(timer);
  }

  return {
    start() {
      timer = timers.set(turn, everyMs);
    },
    wake() {
      if (!isSeldom) return;
      isSeldom = false;
      calmForMs = 0;
      stop();
      timer = timers.set(turn, everyMs);
    },
    stop,
  };
}
