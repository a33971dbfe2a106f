// Soak: what has arrived at the receiver, folded as it comes so that hours fit in memory. Each call must come whole
// in one request; what comes again must be the same to the last byte.

import type { OtlpReceiver, ReceivedRequest } from "../../src/demo/otlp-receiver.ts";
import type { ReceivedSpan } from "../../src/demo/received-span.ts";

export interface Arrival {
  readonly spanCount: number;
  /** Of all its spans as they came: what is sent again must have the same. */
  readonly fingerprint: string;
  readonly interrupted: boolean;
}

export interface Arrivals {
  readonly byTrace: ReadonlyMap<string, Arrival>;
  /** Everything wrong that was seen, one line each. */
  readonly problems: string[];
  readonly repeatedRequests: () => number;
  readonly spanCount: () => number;
  /** Takes in what has come since, and lets the receiver forget it. */
  readonly fold: () => void;
}

export function createArrivals(
  receiver: OtlpReceiver,
  checkTrace: (spans: readonly ReceivedSpan[]) => void,
): Arrivals {
  const byTrace = new Map<string, Arrival>();
  const problems: string[] = [];
  let repeatedRequests = 0;
  let spanCount = 0;

  function take(spans: readonly ReceivedSpan[]): boolean {
    const traceId = spans[0]?.traceId ?? "";
    const fingerprint = String(Bun.hash(textOf(spans)));
    const before = byTrace.get(traceId);
    if (before !== undefined) {
      if (before.fingerprint !== fingerprint) problems.push(`${traceId} came again, changed`);
      return false;
    }
    const interrupted = spans.some((span) => span.attributes["everyspan.interrupted"] === true);
    byTrace.set(traceId, { spanCount: spans.length, fingerprint, interrupted });
    spanCount += spans.length;
    try {
      checkTrace(spans);
    } catch (error) {
      problems.push(`${traceId}: ${String(error)}`);
    }
    return true;
  }

  function takeRequest(request: ReceivedRequest): void {
    if (request.acceptedCount === 0) return;
    let isRepeat = false;
    for (const spans of Map.groupBy(request.spans, ({ traceId }) => traceId).values()) {
      if (!take(spans)) isRepeat = true;
    }
    if (isRepeat) repeatedRequests += 1;
  }

  return {
    byTrace,
    problems,
    repeatedRequests: () => repeatedRequests,
    spanCount: () => spanCount,
    fold() {
      // The receiver's own lists: it only ever adds to them.
      const requests = receiver.requests as ReceivedRequest[];
      for (const request of requests.splice(0)) takeRequest(request);
      (receiver.spans() as ReceivedSpan[]).length = 0;
    },
  };
}

function textOf(spans: readonly ReceivedSpan[]): string {
  return JSON.stringify(spans, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
}
