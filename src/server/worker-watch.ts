// Finds the worker threads whose loop has stopped turning, by the counter that each of them bumps from a timer, and
// the one that eats up the memory of all. Server thread. Silence counts only while this thread's own loop turned in
// time, so that a laptop's sleep, a debugger or a starved machine kills nobody.

import type { Clock } from "../tracing/recorder/clock.ts";

export interface WorkerWatch {
  /** Starts watching a thread. `beats` holds two 32-bit numbers: the counter, and its heap in MiB. */
  readonly add: (thread: number, beats: SharedArrayBuffer) => void;
  readonly remove: (thread: number) => void;
  /** Whether a thread has been silent long enough to be given no new call while others can take it. */
  readonly isLate: (thread: number) => boolean;
  /** To be called at {@link lookTimes}. Tells each stalled thread once. */
  readonly look: () => void;
}

/** Without calls a thread's silence harms nobody, but the first call is not to go to a silent one. */
export const lookTimes = { everyMs: 50, idleEveryMs: 100, calmMs: 1000 } as const;
/** A look that comes later than this says more about this thread than about the others. */
const lookLateMs = 200;
/** For memory to come back, and its thread to be seen gone, before another is blamed. */
const memoryCalmMs = 1000;
const mebibyte = 1024 * 1024;
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
  /** The process's resident memory beyond which a thread that has most of it is ended. */
  readonly memoryLimitBytes: number;
  readonly residentBytes: () => number;
  readonly onHog: (thread: number, heapMiB: number) => void;
}): WorkerWatch {
  const { clock, stallTimeoutMs, memoryLimitBytes } = options;
  const threads = new Map<number, Watched>();
  let lookedAtMs = clock();
  let memoryCalmUntilMs = 0;

  /** The thread to blame: one that does not even turn its loop any more, or whose heap is most of the limit. */
  function findHog(): number | undefined {
    for (const [thread, { silentMs }] of threads) if (silentMs >= lateAfterMs) return thread;
    const [largest] = [...threads].toSorted((a, b) => heapMiB(b[1]) - heapMiB(a[1]));
    if (largest === undefined) return undefined;
    return heapMiB(largest[1]) * mebibyte > memoryLimitBytes / 2 ? largest[0] : undefined;
  }

  function lookAtMemory(nowMs: number): void {
    if (nowMs < memoryCalmUntilMs || options.residentBytes() < memoryLimitBytes) return;
    const thread = findHog();
    if (thread === undefined) return;
    memoryCalmUntilMs = nowMs + memoryCalmMs;
    const watched = threads.get(thread);
    threads.delete(thread);
    options.onHog(thread, watched === undefined ? 0 : heapMiB(watched));
  }

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
      lookAtMemory(nowMs);
    },
  };
}

function heapMiB({ beats }: Watched): number {
  return Atomics.load(beats, 1);
}
