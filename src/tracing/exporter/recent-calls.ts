// The calls committed last, as they came, exporter thread: what a destination that keeps up is sent need not be
// read back from the ledger. A mirror of the newest sampled calls without a gap, bounded; whoever is further
// behind reads the ledger.

import type { BatchCall, BatchLimits } from "./ledger-rows.ts";

export interface RecentCalls {
  /** Committed just now; in order, each one once. */
  add(call: BatchCall): void;
  /** The calls after `seq` within the limits; undefined when the memory does not go back so far. */
  after(seq: number, limits: BatchLimits): BatchCall[] | undefined;
  /** Nobody asks for what is before it any more. */
  forget(throughSeq: number): void;
}

/** Ended ones stay until then. */
const compactAt = 256;

/**
 * @param lastSeq the newest call of the ledger: nothing up to it is here
 * @param sizeBytesMax what is kept at most, in bytes of spans
 */
export function createRecentCalls(lastSeq: number, sizeBytesMax: number): RecentCalls {
  let calls: BatchCall[] = [];
  let first = 0;
  let sizeBytes = 0;
  /** All sampled calls after this one are here. */
  let gapThrough = lastSeq;

  const drop = (call: BatchCall): void => {
    gapThrough = call.seq;
    sizeBytes -= call.spans.length;
    first += 1;
    if (first === calls.length || first === compactAt) {
      calls = calls.slice(first);
      first = 0;
    }
  };

  const indexAfter = (seq: number): number => {
    let [low, high] = [first, calls.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((calls[middle]?.seq ?? 0) > seq) high = middle;
      else low = middle + 1;
    }
    return low;
  };

  return {
    add(call) {
      calls.push(call);
      sizeBytes += call.spans.length;
      for (let oldest = calls[first]; oldest !== undefined; oldest = calls[first]) {
        if (sizeBytes <= sizeBytesMax) break;
        drop(oldest);
      }
    },
    after(seq, limits) {
      if (seq < gapThrough) return undefined;
      const from = indexAfter(seq);
      let end = from;
      let taken = 0;
      while (end < calls.length && end - from < limits.calls) {
        taken += calls[end]?.spans.length ?? 0;
        if (end > from && taken > limits.sizeBytes) break;
        end += 1;
      }
      return calls.slice(from, end);
    },
    forget(throughSeq) {
      for (let oldest = calls[first]; oldest !== undefined; oldest = calls[first]) {
        if (oldest.seq > throughSeq) break;
        drop(oldest);
      }
    },
  };
}
