// Encodes one finished or open span as OTLP protobuf, in a "binary string" (one char per byte, 0-255).
// A string, because a string crosses a thread for nothing, and because for ASCII (almost all we record)
// the text is its own encoding, so that encoding is concatenation. Pure.
//
// The unit is one entry of ScopeSpans.spans (opentelemetry/proto/trace/v1/trace.proto, field 2: tag 0x12,
// length, Span). Entries concatenate: a call is the concatenation of its spans, an export that of its calls.

/** An attribute value as OTLP knows it. Which numbers are doubles is told by `doubleKeys`, never by the value. */
export type AttributeValue = string | number | boolean | readonly (string | number | boolean)[];

export interface EncodableSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  /** W3C tracestate as received; empty when absent. */
  readonly traceState: string;
  /** W3C trace flags, 0-255. */
  readonly traceFlags: number;
  /** Whether the parent is in another process: bits 8 and 9 of Span.flags. */
  readonly parentIsRemote: boolean;
  readonly name: string;
  /** OTLP numbers: 1 INTERNAL, 2 SERVER, 3 CLIENT. */
  readonly kind: number;
  /** Milliseconds since the epoch, with fraction. */
  readonly startMs: number;
  /** Absent while the span is open. */
  readonly endMs: number | undefined;
  readonly attributes: Readonly<Record<string, AttributeValue | undefined>>;
  /** OTLP numbers: 0 unset, 1 ok, 2 error. */
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}
