// How many calls a second were served lately, by the last few of them. Pure but for its own state.

export interface RecentAccepts {
  readonly add: (nowMs: number) => void;
  /** Undefined while too few are known. */
  readonly perSecond: () => number | undefined;
  readonly clear: () => void;
}

const recentMax = 64;
const recentMin = 8;

export function createRecentAccepts(): RecentAccepts {
  const times = new Float64Array(recentMax);
  let count = 0;
  return {
    add(nowMs) {
      times[count % recentMax] = nowMs;
      count += 1;
    },
    perSecond() {
      if (count < recentMin) return undefined;
      const last = times[(count - 1) % recentMax] ?? 0;
      const first = times[count <= recentMax ? 0 : count % recentMax] ?? 0;
      return ((Math.min(count, recentMax) - 1) * 1000) / Math.max(1, last - first);
    },
    clear() {
      count = 0;
    },
  };
}
