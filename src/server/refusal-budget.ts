// How many refused calls are traced: a flood of them must not evict the traces of real calls.

import type { Clock } from "../tracing/recorder/clock.ts";

export interface RefusalBudget {
  /** Whether this refusal is traced; if not it is counted. */
  readonly take: () => boolean;
  readonly untraced: () => number;
}

/** A token bucket of `perSecond`, full at the start. */
export function createRefusalBudget(clock: Clock, perSecond = 100): RefusalBudget {
  let tokens = perSecond;
  let atMs = clock();
  let untraced = 0;
  return {
    take() {
      const nowMs = clock();
      tokens = Math.min(perSecond, tokens + ((nowMs - atMs) / 1000) * perSecond);
      atMs = nowMs;
      if (tokens >= 1) {
        tokens -= 1;
        return true;
      }
      untraced++;
      return false;
    },
    untraced: () => untraced,
  };
}
