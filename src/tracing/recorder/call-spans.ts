// The spans of one call on one thread. Made when the call starts, gone when it ends: nothing here is
// shared between calls, and a span's parent is always an argument.

import type { Clock } from "./clock.ts";
import type { IdSource } from "./ids.ts";
import type { SpanContext } from "./propagation.ts";
import { StatusCode } from "./span-encoding.ts";
import type { Attributes, EncodableSpan, SpanKind } from "./span-encoding.ts";
import { createSpanWriter } from "./span-writer.ts";
import type { SpanWriter } from "./span-writer.ts";

/** A span being recorded. Attributes are set by assignment while it is open. */
export interface Span extends EncodableSpan {
  endMs: number | undefined;
  name: string;
  readonly attributes: Attributes;
  statusCode: StatusCode;
  statusMessage: string;
  /** Absent where the parent is not of this thread. */
  readonly parent: Span | undefined;
  /** The latest end among its children: it ends no earlier. */
  childrenEndMs: number;
}

export interface SpanStart {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes?: Attributes;
  /** Where somebody knows of the span already. */
  readonly spanId?: string;
}

export interface CallSpans {
  /** Starts a span beneath `parent`; without one it is the root of `trace`. */
  readonly start: (start: SpanStart, parent?: Span) => Span;
  /** Ends a span once; a second end changes nothing. `atMs`: no earlier than this. */
  readonly end: (span: Span, atMs?: number) => void;
  /** Marks a span as failed, with `error.type`. */
  readonly fail: (span: Span, errorType: string, message?: string) => void;
  /** Ends every open span, children first. */
  readonly endAll: (errorType?: string, message?: string) => void;
  /** All spans so far in the order they started; `common` goes on every one. */
  readonly encode: (common?: Readonly<Attributes>) => string;
  readonly count: () => number;
  /** When the last span ended, in ms since the epoch; 0 before the first end. */
  readonly lastEndMs: () => number;
  readonly contextOf: (span: Span) => SpanContext;
}

/**
 * @param trace what every span of the call shares, and the span that those without a parent here hang on:
 *   `spanId` empty for a trace that begins here. `notBeforeMs` is the call's anchor: no span starts earlier.
 */
export function createCallSpans(
  {
    clock,
    ids,
    writer = createSpanWriter(),
  }: {
    readonly clock: Clock;
    readonly ids: Pick<IdSource, "spanId">;
    /** The thread's own, wherever there are many calls. */
    readonly writer?: SpanWriter;
  },
  trace: SpanContext,
  notBeforeMs = 0,
): CallSpans {
  const spans: Span[] = [];
  let lastEndMs = 0;

  function end(span: Span, atMs = 0): void {
    if (span.endMs !== undefined) return;
    span.endMs = Math.max(clock(), span.startMs, span.childrenEndMs, atMs);
    lastEndMs = Math.max(lastEndMs, span.endMs);
    const { parent } = span;
    if (parent !== undefined) parent.childrenEndMs = Math.max(parent.childrenEndMs, span.endMs);
  }

  function fail(span: Span, errorType: string, message = ""): void {
    if (span.endMs !== undefined) return;
    span.statusCode = StatusCode.error;
    span.statusMessage = message;
    span.attributes["error.type"] = errorType;
  }

  return {
    start({ name, kind, attributes = {}, spanId = ids.spanId() }, parent) {
      const span: Span = {
        traceId: trace.traceId,
        spanId,
        parentSpanId: parent?.spanId ?? trace.spanId,
        traceState: trace.traceState,
        traceFlags: trace.traceFlags,
        parentIsRemote: parent === undefined && trace.isRemote,
        name,
        kind,
        startMs: Math.max(clock(), parent?.startMs ?? notBeforeMs),
        endMs: undefined,
        attributes,
        statusCode: StatusCode.unset,
        statusMessage: "",
        parent,
        childrenEndMs: 0,
      };
      spans.push(span);
      return span;
    },
    end,
    fail,
    endAll(errorType, message) {
      for (const span of spans.toReversed()) {
        if (span.endMs !== undefined) continue;
        if (errorType !== undefined) fail(span, errorType, message);
        end(span);
      }
    },
    encode: (common) => writer.encode(spans, common),
    count: () => spans.length,
    lastEndMs: () => lastEndMs,
    contextOf: (span) => ({ ...trace, spanId: span.spanId, isRemote: false }),
  };
}
