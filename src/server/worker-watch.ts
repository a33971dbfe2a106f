// Finds the worker threads whose loop has stopped turning, by the counter that each of them bumps from a timer.
// Server thread. Counts only while this thread's own loop turned in time, so that a laptop's sleep, a debugger
// or a starved machine kills nobody.

import type { Clock } from "../tracing/recorder/clock.ts";

export interface WorkerWatch {
  /** Starts watching a thread. `beats` holds one 32-bit counter. */
  readonly add: (thread: number, beats: SharedArrayBuffer) => void;
  readonly remove: (thread: number) => void;
  /** Whether a thread has been silent long enough to be given no new call while others can take it. */
  readonly isLate: (thread: number) => boolean;
  /** To be called every {@link lookEveryMs}. Tells each stalled thread once. */
  readonly look: () => void;
}

export const lookEveryMs = 50;
/** A look that comes later than this says more about this thread than about the others. */
const lookLateMs = lookEveryMs * 4;
/** Several beats: shorter silences are garbage collection or a large body. */
const lateAfterMs = 250;

interface Watched {
  readonly beats: Int32Array;
  lastBeat: number;
  silentMs: number;
}

export function createWorkerWatch(options: {
  readonly clock: Clock;
  readonly stallTimeoutMs: number;
  readonly onStalled: (thread: number, silentMs: number) => void;
}): WorkerWatch {
  const { clock, stallTimeoutMs } = options;
  const threads = new Map<number, Watched>();
  let lookedAtMs = clock();

  return {
    add(thread, shared) {
      const beats = new Int32Array(shared);
      threads.set(thread, { beats, lastBeat: Atomics.load(beats, 0), silentMs: 0 });
    },
    remove: (thread) => void threads.delete(thread),
    isLate: (thread) => (threads.get(thread)?.silentMs ?? 0) >= lateAfterMs,
    look() {
      const nowMs = clock();
      const elapsedMs = nowMs - lookedAtMs;
      lookedAtMs = nowMs;
      const countedMs = elapsedMs > lookLateMs ? 0 : elapsedMs;
      for (const [thread, watched] of threads) {
        const beat = Atomics.load(watched.beats, 0);
        if (beat !== watched.lastBeat) {
          watched.lastBeat = beat;
          watched.silentMs = 0;
          continue;
        }
        watched.silentMs += countedMs;
        if (watched.silentMs < stallTimeoutMs) continue;
        threads.delete(thread);
        options.onStalled(thread, watched.silentMs);
      }
    },
  };
}
