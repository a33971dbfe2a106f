// One call on a worker, from task to result: the pipeline that owns its order. Guardrails, attempts and
// replies are leaves beneath it. Every way out ends every span; none throws.

import type { RequestFacts } from "../apischema/request-facts.ts";
import type { CallResult, CallTask } from "../protocol/call-task.ts";
import { streamWindowBytes } from "../protocol/call-task.ts";
import { createCallSpans } from "../tracing/recorder/call-spans.ts";
import { parseTraceparent } from "../tracing/recorder/propagation.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import { SpanKind } from "../tracing/recorder/span-encoding.ts";
import type { Attributes } from "../tracing/recorder/span-encoding.ts";
import { sendWithRetries } from "./attempts.ts";
import type { Attempt } from "./attempts.ts";
import type { CallState, WorkerDeps } from "./call-state.ts";
import { createCancellation } from "./cancellation.ts";
import { chatRequestAttributes } from "./chat-span.ts";
import { createContentCapture } from "./content-capture.ts";
import type { ContentCapture } from "./content-capture.ts";
import { failedCall } from "./finish-call.ts";
import { openGuardrails } from "./open-guardrails.ts";
import { createPacing } from "./pacing.ts";
import { readReply } from "./read-reply.ts";
import { createStreamWindow } from "./stream-window.ts";
import type { Upstream } from "./upstream.ts";
import { upstreamBody } from "./upstream-body.ts";
import type { HeaderRecord } from "./upstream-headers.ts";

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
  if (task.attributes !== "") Object.assign(common, JSON.parse(task.attributes));
  const pacing = task.isPaced ? createPacing(task.call, deps.post, cancellation) : undefined;
  const chat =
    facts === undefined
      ? undefined
      : spans.start({
          name: `chat ${task.providerModel === "" ? facts.model : task.providerModel}`,
          kind: SpanKind.client,
          ...(task.spanIds !== "" && { spanId: task.spanIds.slice(0, 16) }),
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
    startSpan(name, kind, spanId) {
      const span = spans.start({ name, kind, ...(spanId !== undefined && { spanId }) }, chat);
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
      headers: JSON.parse(task.headers) as HeaderRecord,
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
        const isKnown = state.attempts === 1 && task.spanIds !== "";
        const known = isKnown ? task.spanIds.slice(16) : undefined;
        return state.startSpan(name, kind, known);
      },
      clock: deps.clock,
      elapsed: deps.elapsed,
      deadlines: deps.deadlines,
      random: deps.random,
      fetch: deps.fetch,
      cancellation: state.cancellation,
      waitTurn: state.pacing?.waitTurn,
    },
  );
}
