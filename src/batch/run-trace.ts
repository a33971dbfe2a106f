// The spans that a run adds to its calls, main thread: one root for the run, one for each row. Up to a thousand
// rows are beneath the run's; beyond that each row is a trace of its own, linked to it.

import type { TracingConfig } from "../config/schema.ts";
import { createSampler } from "../server/sampler.ts";
import { createCallSpans } from "../tracing/recorder/call-spans.ts";
import type { CallSpans, Span } from "../tracing/recorder/call-spans.ts";
import type { Clock } from "../tracing/recorder/clock.ts";
import type { IdSource } from "../tracing/recorder/ids.ts";
import { sampledFlag, type SpanContext } from "../tracing/recorder/propagation.ts";
import type { RowOpening, RowsOrigin } from "../tracing/recorder/row-opening.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import { SpanKind } from "../tracing/recorder/span-encoding.ts";
import type { Attributes } from "../tracing/recorder/span-encoding.ts";
import type { SpanWriter } from "../tracing/recorder/span-writer.ts";

export interface RunTrace {
  readonly traceId: string;
  readonly sampled: boolean;
  /** Of every call of the run. */
  readonly common: Readonly<Attributes>;
  readonly root: Span;
  readonly spans: CallSpans;
  readonly origin: RowsOrigin;
  /** `model`: what the row is sent to. */
  readonly openRow: (
    row: { readonly number: number; readonly line: number },
    model: string,
  ) => RowOpening;
}

/** More in one trace would be too much for a backend to show. */
export const rowsInOneTraceMax = 1000;

export function createRunTrace(
  options: {
    readonly run: string;
    readonly rows: number;
    /** What most rows are sent to; empty where there is no such. */
    readonly model: string;
    readonly tracePerRow: boolean;
    readonly caller: SpanContext | undefined;
    readonly sampler: TracingConfig["sampler"];
    readonly attributes: Readonly<Attributes>;
  },
  deps: { readonly clock: Clock; readonly ids: IdSource; readonly writer: SpanWriter },
): RunTrace {
  const { caller, tracePerRow } = options;
  const { clock, ids } = deps;
  const sample = createSampler(options.sampler);
  const traceId = caller?.traceId ?? ids.traceId();
  const traceFlags = sample(traceId, caller);
  const start = caller ?? { spanId: "", traceState: "", isRemote: false };
  const spans = createCallSpans(deps, { ...start, traceId, traceFlags });
  const root = spans.start({
    name: "batch_operation",
    kind: SpanKind.internal,
    attributes: { ...options.attributes, [attr.batchRunId]: options.run },
  });
  const link = { traceId, spanId: root.spanId };

  return {
    traceId,
    sampled: (traceFlags & sampledFlag) !== 0,
    common: { [attr.batchRunId]: options.run },
    root,
    spans,
    origin: {
      run: options.run,
      startMs: root.startMs,
      model: options.model,
      traceState: tracePerRow ? "" : start.traceState,
      parentSpanId: tracePerRow ? "" : root.spanId,
      link: tracePerRow ? link : undefined,
    },
    openRow({ number, line }, model) {
      const ownTraceId = tracePerRow ? ids.traceId() : traceId;
      return {
        call: ids.callId(),
        row: number,
        line,
        traceId: ownTraceId,
        traceFlags: tracePerRow ? sample(ownTraceId, undefined) : traceFlags,
        spanId: ids.spanId(),
        chatSpanId: ids.spanId(),
        attemptSpanId: ids.spanId(),
        startMs: Math.max(clock(), root.startMs),
        model: model === options.model ? "" : model,
      };
    },
  };
}
