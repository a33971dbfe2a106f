// Percentiles of durations in memory that does not grow: buckets 5 % apart. One per run.

export interface LatencyHistogram {
  readonly add: (durationMs: number) => void;
  /** `share` from 0 to 1; undefined when nothing was added. In ms, within 5 %. */
  readonly percentile: (share: number) => number | undefined;
}

const step = 1.05;
const firstMs = 0.1;
const bucketsMax = 400;

export function createLatencyHistogram(): LatencyHistogram {
  const buckets = new Float64Array(bucketsMax);
  let count = 0;
  return {
    add(durationMs) {
      const bucket = Math.ceil(Math.log(Math.max(durationMs, firstMs) / firstMs) / Math.log(step));
      const at = Math.min(bucketsMax - 1, bucket);
      buckets[at] = (buckets[at] ?? 0) + 1;
      count += 1;
    },
    percentile(share) {
      if (count === 0) return undefined;
      let seen = 0;
      for (const [at, inBucket] of buckets.entries()) {
        seen += inBucket;
        if (seen >= share * count) return firstMs * step ** at;
      }
      return undefined;
    },
  };
}
