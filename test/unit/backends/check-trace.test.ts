import { describe, expect, test } from "bun:test";
import type { ReceivedSpan } from "../../../src/demo/received-span.ts";
import { decodeSpans } from "../../../src/tracing/recorder/span-decoding.ts";
import { problemsOf, type Reading } from "../../backends/check-trace.ts";
import type { Backend, SeenSpan, SeenTrace } from "../../backends/seen-trace.ts";
import { storedCall } from "../../support/stored-call.ts";

const backend: Backend = {
  name: "a backend",
  version: "1",
  destination: {},
  chatType: "llm",
  hasOwnPrices: false,
  showsReasoning: true,
  judgesByRoot: false,
  read: () => Promise.resolve(undefined),
  stop: () => Promise.resolve(),
};
const reading: Reading = { unsetsRecovered: false, cutsParent: false };
const sent = decodeSpans(storedCall({ content: true })) as unknown as readonly ReceivedSpan[];

/** A backend that shows everything as it was sent. */
function faithful(): SeenTrace {
  return {
    spans: sent.map(shown),
    isDone: true,
    isError: true,
    session: "session-7",
    user: "user-42",
    tokens: 1500,
    cost: 0.00328,
    input: "Où est Zoé?",
    output: "In Paris.",
  };
}

function shown(span: ReceivedSpan): SeenSpan {
  const isChat = span.name.startsWith("chat ");
  const isGuardrail = span.name.startsWith("apply_guardrail");
  return {
    id: span.spanId,
    parentId: span.parentSpanId,
    name: span.name,
    type: isChat ? "llm" : isGuardrail ? "guardrail" : "chain",
    isError: span.statusCode === 2,
    message: span.statusMessage,
    model: isChat ? "claude-haiku-4-5-20251001" : undefined,
    tokens: isChat
      ? { input: 1000, output: 500, cacheRead: 300, cacheWrite: 200, reasoning: 120 }
      : undefined,
    cost: isChat ? 0.00328 : undefined,
  };
}

/** The trace with one span shown otherwise. */
function otherwise(name: string, change: Partial<SeenSpan>): SeenTrace {
  const trace = faithful();
  const spans = trace.spans.map((span) =>
    span.name.startsWith(name) ? { ...span, ...change } : span,
  );
  return { ...trace, spans };
}

describe("what a backend shows", () => {
  test("is right when it is what was sent", () => {
    expect(problemsOf(faithful(), sent, backend, reading)).toEqual([]);
  });

  const tokens = { input: 1000, output: 500, cacheRead: 300, cacheWrite: 200, reasoning: 120 };
  const wrong: readonly (readonly [string, SeenTrace])[] = [
    ["a guardrail of no kind", otherwise("apply_guardrail", { type: "unknown" })],
    ["a chat span of another kind", otherwise("chat ", { type: "chain" })],
    ["the model that was asked for", otherwise("chat ", { model: "claude-haiku-4-5" })],
    ["a model on an attempt", otherwise("POST", { model: "m" })],
    ["tokens on an attempt", otherwise("POST", { tokens })],
    ["no cache write", otherwise("chat ", { tokens: { ...tokens, cacheWrite: undefined } })],
    ["no reasoning", otherwise("chat ", { tokens: { ...tokens, reasoning: 0 } })],
    ["another cost", otherwise("chat ", { cost: 0.00157 })],
    ["no cost", otherwise("chat ", { cost: undefined })],
    ["another parent", otherwise("auth", { parentId: "" })],
    ["no error", otherwise("chat ", { isError: false })],
    ["no message", otherwise("chat ", { message: "" })],
    ["a span too few", { ...faithful(), spans: faithful().spans.slice(1) }],
    ["a trace that went well", { ...faithful(), isError: false }],
    ["a trace that never ends", { ...faithful(), isDone: false }],
    ["no session", { ...faithful(), session: undefined }],
    ["another user", { ...faithful(), user: "user-1" }],
    ["tokens counted three times", { ...faithful(), tokens: 4500 }],
    ["no input", { ...faithful(), input: undefined }],
    ["another output", { ...faithful(), output: '{"id":"msg_1"}' }],
  ];
  test.each(wrong)("is wrong with %s", (_what, trace) => {
    expect(problemsOf(trace, sent, backend, reading)).not.toEqual([]);
  });
});
