// The spans that a run adds to its calls, main thread: one root for the run, one for each row. Up to a thousand
// rows are beneath the run's; beyond that each row is a trace of its own, linked to it.

import type { TracingConfig } from "../config/schema.ts";
import { createSampler } from "../server/sampler.ts";
import { createCallSpans } from "../tracing/recorder/call-spans.ts";
import type { CallSpans, Span } from "../tracing/recorder/call-spans.ts";
import type { Clock } from "../tracing/recorder/clock.ts";
import type { IdSource } from "../tracing/recorder/ids.ts";
import { sampledFlag, type SpanContext } from "../tracing/recorder/propagation.ts";
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
  readonly openRow: (row: { readonly number: number; readonly line: number }) => RowTrace;
}

/** A row's root, and what is beneath it on this thread. */
export interface RowTrace {
  readonly call: string;
  readonly traceId: string;
  readonly sampled: boolean;
  readonly root: Span;
  readonly common: Readonly<Attributes>;
  readonly context: SpanContext;
  readonly fail: (errorType: string, message: string) => void;
  readonly end: (atMs: number) => void;
  readonly encode: () => string;
}

/** More in one trace would be too much for a backend to show. */
export const rowsInOneTraceMax = 1000;

export function createRunTrace(
  options: {
    readonly run: string;
    readonly rows: number;
    readonly tracePerRow: boolean;
    readonly caller: SpanContext | undefined;
    readonly sampler: TracingConfig["sampler"];
    readonly attributes: Readonly<Attributes>;
  },
  deps: { readonly clock: Clock; readonly ids: IdSource; readonly writer: SpanWriter },
): RunTrace {
  const { caller } = options;
  const sample = createSampler(options.sampler);
  const begin = (parent: SpanContext | undefined): SpanContext => {
    const traceId = parent?.traceId ?? deps.ids.traceId();
    const own = parent ?? { spanId: "", traceState: "", isRemote: false };
    return { ...own, traceId, traceFlags: sample(traceId, parent) };
  };
  const trace = begin(caller);
  const spans = createCallSpans(deps, trace);
  const root = spans.start({
    name: "batch_operation",
    kind: SpanKind.internal,
    attributes: { ...options.attributes, [attr.batchRunId]: options.run },
  });
  const runContext = spans.contextOf(root);
  const link = { traceId: trace.traceId, spanId: root.spanId };

  return {
    traceId: trace.traceId,
    sampled: (trace.traceFlags & sampledFlag) !== 0,
    common: { [attr.batchRunId]: options.run },
    root,
    spans,
    openRow({ number, line }) {
      const call = deps.ids.callId();
      const rowTrace = options.tracePerRow ? begin(undefined) : runContext;
      const common = { [attr.batchRunId]: options.run, [attr.batchRow]: number };
      const rowSpans = createCallSpans(deps, rowTrace);
      const span = rowSpans.start({
        name: "batch_row",
        kind: SpanKind.internal,
        attributes: { [attr.callId]: call, [attr.batchLine]: line },
      });
      const linked = options.tracePerRow ? { links: [link] } : {};
      return {
        call,
        traceId: rowTrace.traceId,
        sampled: (rowTrace.traceFlags & sampledFlag) !== 0,
        root: span,
        common,
        context: rowSpans.contextOf(span),
        fail: (errorType, message) => rowSpans.fail(span, errorType, message),
        end: (atMs) => rowSpans.end(span, atMs),
        encode: () => deps.writer.encode([{ ...span, ...linked }], common),
      };
    },
  };
}
