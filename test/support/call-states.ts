// Tests: a call as a worker has it, with its provider, its spans and a clock that only the test moves.

import { readAnthropicRequest, readOpenAIRequest } from "../../src/apischema/request-facts.ts";
import type { RequestFacts } from "../../src/apischema/request-facts.ts";
import type { Config } from "../../src/config/schema.ts";
import { createCallSpans } from "../../src/tracing/recorder/call-spans.ts";
import type { CallSpans, Span } from "../../src/tracing/recorder/call-spans.ts";
import { SpanKind } from "../../src/tracing/recorder/span-encoding.ts";
import { createSpanWriter } from "../../src/tracing/recorder/span-writer.ts";
import type { Attempt } from "../../src/workers/attempts.ts";
import { createCallRegistry } from "../../src/workers/call-registry.ts";
import type { CallState, WorkerDeps } from "../../src/workers/call-state.ts";
import { createCancellation } from "../../src/workers/cancellation.ts";
import { createStreamWindow } from "../../src/workers/stream-window.ts";
import type { Upstream } from "../../src/workers/upstream.ts";
import { testTask } from "./call-tasks.ts";
import { realDeadlines } from "./real-deadlines.ts";

export function testUpstream(changes: Partial<Upstream> = {}): Upstream {
  return {
    name: "main",
    api: "openai",
    baseUrl: "http://provider.test:8080/v1",
    apiKey: undefined,
    timeoutMs: 60_000,
    retries: 2,
    retryBudgetMs: 10_000,
    concurrency: 100,
    streamUsage: true,
    headers: {},
    hostname: "provider.test",
    port: 8080,
    wellKnownName: "openai",
    ...changes,
  };
}

/** What a request's body says, for either API. */
export function factsOf(body: object, api: "openai" | "anthropic" = "openai"): RequestFacts {
  const parsed = api === "openai" ? readOpenAIRequest(body) : readAnthropicRequest(body);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.facts;
}

export interface TestSpans {
  readonly recorder: CallSpans;
  /** All that were started, in order. */
  readonly spans: readonly Span[];
  readonly start: (name: string, kind: SpanKind) => Span;
}

/** The spans of one call, with ids that count up. */
export function createTestSpans(clock: () => number): TestSpans {
  let ids = 0;
  const spanId = (): string => (++ids).toString(16).padStart(16, "0");
  const trace = {
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: "00f067aa0ba902b7",
    traceFlags: 1,
    traceState: "vendor=1",
    isRemote: false,
  };
  const recorder = createCallSpans({ clock, ids: { spanId } }, trace);
  const spans: Span[] = [];
  return {
    recorder,
    spans,
    start(name, kind) {
      const span = recorder.start({ name, kind });
      spans.push(span);
      return span;
    },
  };
}

export interface TestCall {
  readonly state: CallState;
  readonly chat: Span;
  readonly deps: WorkerDeps;
  readonly spans: readonly Span[];
  readonly tick: (ms: number) => void;
  readonly attempt: (response?: Response) => TestAttempt;
}

/** An answer whose connection notes what is done to it. */
export interface TestAttempt extends Attempt {
  readonly done: readonly string[];
}

/** A generating call that has made no attempt yet. */
export function createTestCall(
  changes: Partial<CallState> = {},
  ownDeps: Partial<WorkerDeps> = {},
): TestCall {
  let nowMs = 1_700_000_000_000;
  const clock = (): number => nowMs;
  const { recorder, spans, start } = createTestSpans(clock);
  const chat = start("chat gpt-4o-mini", SpanKind.client);
  const state: CallState = {
    task: testTask("{}"),
    provider: testUpstream(),
    facts: factsOf({ model: "gpt-4o-mini", messages: [] }),
    spans: recorder,
    chat,
    cancellation: createCancellation(),
    pacing: undefined,
    window: createStreamWindow(1024),
    common: {},
    startSpan: start,
    startedMs: nowMs,
    capture: undefined,
    guardrails: undefined,
    attempts: 1,
    firstAttemptMs: undefined,
    ...changes,
  };
  const post = (): void => undefined;
  return {
    state,
    chat,
    spans,
    tick: (ms) => void (nowMs += ms),
    deps: {
      config: {} as Config,
      clock,
      elapsed: clock,
      deadlines: realDeadlines(),
      ids: { spanId: () => "00000000000000ff" },
      writer: createSpanWriter(),
      random: () => 0,
      fetch: refusingFetch,
      post,
      registry: createCallRegistry({ clock, post }),
      price: () => undefined,
      guardrails: new Map(),
      providers: new Map(),
      ...ownDeps,
    },
    attempt(response = new Response("{}")) {
      const done: string[] = [];
      return {
        done,
        response,
        span: start("POST", SpanKind.client),
        expectMore: () => void done.push("expect more"),
        settle: () => void done.push("settle"),
        abort: () => void done.push("abort"),
        abortedBy: () => state.cancellation.code(),
      };
    },
  };
}

const refusingFetch = asFetch(() => Promise.reject(new Error("this test fetches nothing")));

/** A function in fetch's place. */
export function asFetch(send: (url: string, init: RequestInit) => Promise<Response>): typeof fetch {
  return send as unknown as typeof fetch;
}
