// Tests: the W3C headers a caller sends: a span of its own, none, or nonsense.

export interface CallerSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly headers: Readonly<Record<string, string>>;
}

export const callerTraceState = "vendor=opaque,other=1";

/** A sampled caller's span with a tracestate. Random, as ids are. */
export function newCallerSpan(): CallerSpan {
  const traceId = randomHex(16);
  const spanId = randomHex(8);
  const headers = { traceparent: `00-${traceId}-${spanId}-01`, tracestate: callerTraceState };
  return { traceId, spanId, headers };
}

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";

/** Headers that must start a new trace, tracestate dropped (W3C Trace Context, §3.2.2). */
export const malformedTraceparents: readonly string[] = [
  `00-${traceId.toUpperCase()}-${spanId}-01`,
  `00-${"0".repeat(32)}-${spanId}-01`,
  `00-${traceId}-${"0".repeat(16)}-01`,
  `ff-${traceId}-${spanId}-01`,
  `00-${traceId}-${spanId}-01-extra`,
  `00-${traceId.slice(1)}-${spanId}-01`,
  `00-${traceId}-${spanId}`,
  "nonsense",
];

function randomHex(byteCount: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(byteCount))).toString("hex");
}
