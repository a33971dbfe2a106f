// How many refused calls are traced: a flood of them must not evict the traces of real calls.

import type { Clock } from "../tracing/recorder/clock.ts";

export interface RefusalBudget {
  /** Whether this refusal is traced; if not it is counted. */
  readonly take: () => boolean;
  /** What the trace of one took. */
  readonly spend: (sizeBytes: number) => void;
  readonly untraced: () => number;
}

export interface RefusalBounds {
  readonly perSecond?: number;
  /** What refusals may take of the ledger while it keeps them, so that others have the rest. */
  readonly sizeBytes: number;
  readonly keptMs: number;
}

/** Two buckets, full at the start: one for the second, one for as long as the ledger keeps what it holds. */
export function createRefusalBudget(clock: Clock, bounds: RefusalBounds): RefusalBudget {
  const { perSecond = 100, sizeBytes, keptMs } = bounds;
  let tokens = perSecond;
  let leftBytes = sizeBytes;
  let atMs = clock();
  let untraced = 0;
  return {
    take() {
      const nowMs = clock();
      tokens = Math.min(perSecond, tokens + ((nowMs - atMs) / 1000) * perSecond);
      leftBytes = Math.min(sizeBytes, leftBytes + ((nowMs - atMs) / keptMs) * sizeBytes);
      atMs = nowMs;
      if (tokens >= 1 && leftBytes > 0) {
        tokens -= 1;
        return true;
      }
      untraced++;
      return false;
    },
    spend(spentBytes) {
      leftBytes -= spentBytes;
    },
    untraced: () => untraced,
  };
}
