// Demo, tests and bench: a span as a receiver of OTLP sees it. Plain data.

export interface ReceivedSpan {
  /** Lower-case hex, as are all ids. */
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly flags: number;
  readonly name: string;
  /** OTLP numbers: 1 INTERNAL, 2 SERVER, 3 CLIENT. */
  readonly kind: number;
  /** Nanoseconds since the epoch; 0 when absent. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** The same in milliseconds with fraction; `endMs` is undefined when the span has no end. */
  readonly startMs: number;
  readonly endMs: number | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The wire type of each attribute: what is a double and what an int cannot be told from the value. */
  readonly attributeTypes: Readonly<Record<string, AttributeType>>;
  /** OTLP numbers: 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message: string };
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: { readonly name: string; readonly version: string };
}

export type AttributeType =
  | "string"
  | "bool"
  | "int"
  | "double"
  | "array"
  | "kvlist"
  | "bytes"
  | "none";

/** An attribute value with its wire type. Integers beyond 2^53 are bigints. */
export interface TypedValue {
  readonly type: AttributeType;
  readonly value: unknown;
}

export interface ReceivedAttributes {
  readonly values: Record<string, unknown>;
  readonly types: Record<string, AttributeType>;
}

/** Everything of a span but what is derived from it. */
export type SpanFields = Omit<
  ReceivedSpan,
  "startMs" | "endMs" | "statusCode" | "statusMessage" | "attributes" | "attributeTypes"
> & { readonly attributes: ReceivedAttributes };

/** Adds the derived fields. */
export function toReceivedSpan(fields: SpanFields): ReceivedSpan {
  return {
    ...fields,
    attributes: fields.attributes.values,
    attributeTypes: fields.attributes.types,
    startMs: Number(fields.startNs) / 1e6,
    endMs: fields.endNs === 0n ? undefined : Number(fields.endNs) / 1e6,
    statusCode: fields.status.code,
    statusMessage: fields.status.message,
  };
}

/** A number where it is exact, else the bigint. */
export function toExactNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
