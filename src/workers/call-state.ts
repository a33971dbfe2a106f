// One call's state on a worker, and what its thread has. Plain shapes: call.ts makes them.

import type { RequestFacts } from "../apischema/request-facts.ts";
import type { Config } from "../config/schema.ts";
import type { CallTask, WorkerMessage } from "../protocol/call-task.ts";
import type { CallSpans, Span } from "../tracing/recorder/call-spans.ts";
import type { Clock } from "../tracing/recorder/clock.ts";
import type { IdSource } from "../tracing/recorder/ids.ts";
import type { Attributes, SpanKind } from "../tracing/recorder/span-encoding.ts";
import type { SpanWriter } from "../tracing/recorder/span-writer.ts";
import type { CallGuardrails } from "./call-guardrails.ts";
import type { CallRegistry } from "./call-registry.ts";
import type { CancellationSource } from "./cancellation.ts";
import type { ContentCapture } from "./content-capture.ts";
import type { Pricer } from "./cost.ts";
import type { ReadyGuardrail } from "./guardrail-table.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Pacing } from "./pacing.ts";
import type { StreamWindow } from "./stream-window.ts";
import type { Upstream } from "./upstream.ts";

/** What a worker thread has, made once at its entry. */
export interface WorkerDeps {
  readonly config: Config;
  readonly clock: Clock;
  /** For waits: it stands still while the machine sleeps. */
  readonly elapsed: Clock;
  readonly deadlines: Deadlines;
  readonly ids: Pick<IdSource, "spanId">;
  readonly writer: SpanWriter;
  readonly random: () => number;
  readonly fetch: typeof fetch;
  readonly post: (message: WorkerMessage) => void;
  readonly registry: CallRegistry;
  readonly price: Pricer;
  readonly guardrails: ReadonlyMap<string, ReadyGuardrail>;
  readonly providers: ReadonlyMap<string, Upstream>;
}

/** One call's state: made when it starts, gone when it ends. */
export interface CallState {
  readonly task: CallTask;
  readonly provider: Upstream;
  readonly facts: RequestFacts | undefined;
  readonly spans: CallSpans;
  /** Absent on routes that generate nothing. */
  readonly chat: Span | undefined;
  readonly cancellation: CancellationSource;
  /** Absent where a call decides for itself when to try again. */
  readonly pacing: Pacing | undefined;
  readonly window: StreamWindow;
  readonly common: Readonly<Attributes>;
  /** Starts a span beneath `chat`, or beneath the root where there is no chat. */
  readonly startSpan: (name: string, kind: SpanKind, spanId?: string) => Span;
  readonly startedMs: number;
  /** Absent unless content is to be recorded. */
  readonly capture: ContentCapture | undefined;
  /** Absent on calls that none applies to. */
  guardrails: CallGuardrails | undefined;
  attempts: number;
  firstAttemptMs: number | undefined;
}
