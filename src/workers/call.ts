// One call on a worker, from task to result: the pipeline that owns its order. Guardrails, attempts and
// replies are leaves beneath it. Every way out ends every span; none throws.

import type { RequestFacts } from "../apischema/request-facts.ts";
import type { Config } from "../config/schema.ts";
import type { CallResult, CallTask, WorkerMessage } from "../protocol/call-task.ts";
import { streamWindowBytes } from "../protocol/call-task.ts";
import { createCallSpans } from "../tracing/recorder/call-spans.ts";
import type { CallSpans, Span } from "../tracing/recorder/call-spans.ts";
import type { Clock } from "../tracing/recorder/clock.ts";
import type { IdSource } from "../tracing/recorder/ids.ts";
import type { SpanWriter } from "../tracing/recorder/span-writer.ts";
import { parseTraceparent } from "../tracing/recorder/propagation.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import { SpanKind } from "../tracing/recorder/span-encoding.ts";
import type { Attributes } from "../tracing/recorder/span-encoding.ts";
import { sendWithRetries } from "./attempts.ts";
import type { Attempt } from "./attempts.ts";
import type { CallGuardrails } from "./call-guardrails.ts";
import type { CallRegistry } from "./call-registry.ts";
import { createCancellation } from "./cancellation.ts";
import type { CancellationSource } from "./cancellation.ts";
import { chatRequestAttributes } from "./chat-span.ts";
import { createContentCapture } from "./content-capture.ts";
import type { ContentCapture } from "./content-capture.ts";
import type { Pricer } from "./cost.ts";
import { failedCall } from "./finish-call.ts";
import type { ReadyGuardrail } from "./guardrail-table.ts";
import { openGuardrails } from "./open-guardrails.ts";
import { createPacing } from "./pacing.ts";
import type { Pacing } from "./pacing.ts";
import { readReply } from "./read-reply.ts";
import { createStreamWindow } from "./stream-window.ts";
import type { StreamWindow } from "./stream-window.ts";
import type { Upstream } from "./upstream.ts";
import { upstreamBody } from "./upstream-body.ts";
import type { HeaderPairs } from "./upstream-headers.ts";

/** What a worker thread has, made once at its entry. */
export interface WorkerDeps {
  readonly config: Config;
  readonly clock: Clock;
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
  readonly startSpan: (name: string, kind: SpanKind) => Span;
  readonly startedMs: number;
  /** Absent unless content is to be recorded. */
  readonly capture: ContentCapture | undefined;
  /** Absent on calls that none applies to. */
  guardrails: CallGuardrails | undefined;
  attempts: number;
  firstAttemptMs: number | undefined;
}

export async function runCall(task: CallTask, deps: WorkerDeps): Promise<CallResult> {
  const state = openCall(task, deps);
  try {
    const { guardrails } = state;
    const body = guardrails === undefined ? task.body : await guardrails.checkRequest(task.body);
    const attempt = await callProvider(state, body, deps);
    return await readReply(state, attempt, deps);
  } catch (error) {
    return failedCall(state, state.guardrails?.cause(error) ?? error, { deps });
  } finally {
    deps.registry.close(task.call);
  }
}

function openCall(task: CallTask, deps: WorkerDeps): CallState {
  const provider = deps.providers.get(task.provider);
  const trace = parseTraceparent(task.traceparent, task.tracestate);
  if (provider === undefined || trace === undefined) throw new Error("malformed task");
  const facts = task.facts === "" ? undefined : (JSON.parse(task.facts) as RequestFacts);
  const spans = createCallSpans(deps, { ...trace, isRemote: false }, task.anchorMs);
  const cancellation = createCancellation();
  const window = createStreamWindow(streamWindowBytes);
  const common: Attributes = {};
  if (task.sessionId !== "") common[attr.sessionId] = task.sessionId;
  if (task.userId !== "") common[attr.userId] = task.userId;
  if (task.attributes !== undefined) Object.assign(common, JSON.parse(task.attributes));
  const pacing =
    task.isPaced === true ? createPacing(task.call, deps.post, cancellation) : undefined;
  const chat =
    facts === undefined
      ? undefined
      : spans.start({
          name: `chat ${task.providerModel === "" ? facts.model : task.providerModel}`,
          kind: SpanKind.client,
          attributes: chatRequestAttributes(facts, provider, task),
        });
  deps.registry.open({
    call: task.call,
    cancel: (code) => {
      cancellation.cancel(code);
      window.close();
    },
    credit: window.credit,
    resume: () => pacing?.resume(),
    snapshot: () => ({ spans: spans.encode(common), spanCount: spans.count() }),
  });
  const state: CallState = {
    task,
    provider,
    facts,
    spans,
    chat,
    cancellation,
    pacing,
    window,
    common,
    startSpan(name, kind) {
      const span = spans.start({ name, kind }, chat);
      deps.registry.spanStarted(task.call);
      return span;
    },
    startedMs: deps.clock(),
    capture: facts === undefined ? undefined : openCapture(provider, deps),
    guardrails: undefined,
    attempts: 0,
    firstAttemptMs: undefined,
  };
  if (task.guardrails !== "") state.guardrails = openGuardrails(state, deps);
  return state;
}

function openCapture({ api }: Upstream, { config }: WorkerDeps): ContentCapture | undefined {
  const { captureContent, contentLimitChars: limitChars } = config.tracing;
  return captureContent ? createContentCapture({ api, limitChars }) : undefined;
}

function callProvider(state: CallState, body: string, deps: WorkerDeps): Promise<Attempt> {
  const { task, provider, facts } = state;
  state.firstAttemptMs = deps.clock();
  state.capture?.request(body);
  return sendWithRetries(
    {
      path: task.path,
      method: task.method,
      headers: JSON.parse(task.headers) as HeaderPairs,
      keyHeader: task.keyHeader,
      body:
        task.bytes ??
        (body === ""
          ? undefined
          : upstreamBody({ body, providerModel: task.providerModel }, provider, facts)),
      repeatable: facts !== undefined || task.route !== "forward" || task.method === "GET",
    },
    {
      provider,
      spans: state.spans,
      startSpan(name, kind) {
        state.attempts++;
        return state.startSpan(name, kind);
      },
      clock: deps.clock,
      random: deps.random,
      fetch: deps.fetch,
      cancellation: state.cancellation,
      waitTurn: state.pacing?.waitTurn,
    },
  );
}
