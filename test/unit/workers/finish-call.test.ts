import { describe, expect, spyOn, test } from "bun:test";
import { GatewayError } from "../../../src/errors/gateway-error.ts";
import { decodeSpans } from "../../../src/tracing/recorder/span-decoding.ts";
import { StatusCode } from "../../../src/tracing/recorder/span-encoding.ts";
import type { CallGuardrails } from "../../../src/workers/call-guardrails.ts";
import type { Pricer } from "../../../src/workers/cost.ts";
import { failedCall, finishCall } from "../../../src/workers/finish-call.ts";
import { createTestCall } from "../../support/call-states.ts";

const usage = { inputTokens: 10, outputTokens: 2 };
const good = { id: "r", model: "gpt-4o-mini-2024", finishReasons: ["stop"], usage };

function pricing(price: ReturnType<Pricer>): { price: Pricer; asked: Parameters<Pricer>[0][] } {
  const asked: Parameters<Pricer>[0][] = [];
  return {
    asked,
    price(input) {
      asked.push(input);
      return price;
    },
  };
}

describe("the end of a call", () => {
  test("ends every span, children first, and tells of all of them once", () => {
    const { state, deps, spans, attempt, tick, chat } = createTestCall({
      common: { "user.id": "u" },
    });
    attempt();
    tick(250);
    const outcome = finishCall(state, { reply: good }, deps);
    expect(spans.every(({ endMs }) => endMs !== undefined)).toBe(true);
    const decoded = decodeSpans(outcome.spans);
    expect(decoded.map(({ name }) => name)).toEqual(["chat gpt-4o-mini", "POST"]);
    expect(decoded.every(({ attributes }) => attributes["user.id"] === "u")).toBe(true);
    expect(outcome).toMatchObject({
      spanCount: 2,
      lastEndMs: chat.endMs!,
      errorType: "",
      responseModel: "gpt-4o-mini-2024",
      chatSeconds: 0.25,
    });
  });

  test("is on the chat span and nowhere beneath it, for backends count what they see twice", () => {
    const { price } = pricing({ input: 0.5, output: 0.25, total: 0.75 });
    const { state, deps, spans, attempt } = createTestCall({}, { price });
    attempt();
    const outcome = finishCall(state, { reply: good, firstContentMs: state.startedMs + 40 }, deps);
    expect(spans[0]?.attributes).toMatchObject({
      "gen_ai.usage.input_tokens": 10,
      "gen_ai.usage.cost": 0.75,
      "gen_ai.response.time_to_first_chunk": 0.04,
    });
    expect(Object.keys(spans[1]?.attributes ?? {})).toEqual([]);
    expect(outcome).toMatchObject({
      inputTokens: 10,
      outputTokens: 2,
      cost: 0.75,
      timeToFirstChunkSeconds: 0.04,
    });
  });

  test("says what is unknown as unknown: -1 to the server, nothing on the span", () => {
    const { state, deps, chat } = createTestCall();
    const outcome = finishCall(state, { reply: { finishReasons: [] } }, deps);
    expect(outcome).toMatchObject({
      inputTokens: -1,
      outputTokens: -1,
      cacheReadTokens: -1,
      cacheWriteTokens: -1,
      reasoningTokens: -1,
      cost: -1,
      timeToFirstChunkSeconds: -1,
      responseModel: "gpt-4o-mini", // as asked for
    });
    const names = Object.entries(chat.attributes).filter(([, value]) => value !== undefined);
    expect(names).toEqual([]);
  });

  test("tells a price of nothing from no price", () => {
    const free = createTestCall({}, pricing({ input: 0, output: 0, total: 0 }));
    expect(finishCall(free.state, { reply: good }, free.deps).cost).toBe(0);
    expect(free.chat.attributes["gen_ai.usage.cost"]).toBe(0);
    const unknown = createTestCall({}, pricing(undefined));
    expect(finishCall(unknown.state, { reply: good }, unknown.deps).cost).toBe(-1);
    expect(unknown.chat.attributes["gen_ai.usage.cost"]).toBeUndefined();
  });

  test("asks for the price of the model that answered, only where there is usage", () => {
    const { price, asked } = pricing(undefined);
    const priced = createTestCall({}, { price });
    finishCall(priced.state, { reply: good }, priced.deps);
    expect(asked).toEqual([
      { provider: "openai", model: "gpt-4o-mini-2024", asked: "gpt-4o-mini", usage },
    ]);
    const bare = createTestCall({}, { price });
    finishCall(bare.state, { reply: { finishReasons: [] } }, bare.deps);
    const failed = createTestCall({}, { price });
    finishCall(failed.state, { failure: { code: "provider_cut", message: "" } }, failed.deps);
    expect(asked).toHaveLength(1);
  });

  test("counts the provider's time from the first attempt on", () => {
    const { state, deps, tick } = createTestCall();
    tick(100);
    expect(finishCall(state, {}, deps).providerMs).toBe(0);
    const called = createTestCall();
    called.tick(100);
    called.state.firstAttemptMs = called.deps.clock();
    called.tick(30);
    expect(finishCall(called.state, {}, called.deps).providerMs).toBe(30);
  });

  test("of a route that generates nothing has no chat to speak of", () => {
    const { state, deps } = createTestCall({ chat: undefined, facts: undefined });
    const outcome = finishCall(state, { reply: good }, deps);
    expect(outcome).toMatchObject({ chatSeconds: -1, cost: -1 });
  });
});

describe("the error of a call", () => {
  test("is our own failure before the provider's word, and that before what its body says", () => {
    const reply = { ...good, errorType: "body" };
    const failure = { code: "provider_cut", message: "broke off" } as const;
    for (const [ending, errorType] of [
      [{ reply, errorType: "429", failure }, "provider_cut"],
      [{ reply, errorType: "429" }, "429"],
      [{ reply }, "body"],
      [{ reply: good }, ""],
    ] as const) {
      const { state, deps, chat } = createTestCall();
      expect(finishCall(state, ending, deps).errorType).toBe(errorType);
      expect(chat.statusCode).toBe(errorType === "" ? StatusCode.unset : StatusCode.error);
    }
  });

  test("keeps what was used before the provider cut the reply", () => {
    const { state, deps, chat } = createTestCall();
    const failure = { code: "provider_cut", message: "broke off" } as const;
    const outcome = finishCall(state, { reply: good, failure }, deps);
    expect(outcome.inputTokens).toBe(10);
    expect(chat).toMatchObject({ statusCode: StatusCode.error, statusMessage: "broke off" });
    expect(chat.attributes["gen_ai.usage.input_tokens"]).toBe(10);
  });

  test("is none when the caller left, though the outcome says that it did", () => {
    const { state, deps, chat } = createTestCall();
    const failure = { code: "client_disconnected", message: "gone" } as const;
    const outcome = finishCall(state, { reply: good, failure, errorType: "x" }, deps);
    expect(outcome.errorType).toBe("client_disconnected");
    expect(chat.statusCode).toBe(StatusCode.unset);
    expect(chat.attributes["error.type"]).toBeUndefined();
    expect(chat.attributes["everyspan.client_disconnected"]).toBe(true);
  });

  test("says how many attempts there were, though none brought a reply", () => {
    const { state, deps, chat } = createTestCall({ attempts: 3 });
    const failure = { code: "provider_unreachable", message: "" } as const;
    expect(finishCall(state, { failure }, deps).attempts).toBe(3);
    expect(chat.attributes["everyspan.attempts"]).toBe(3);
  });

  test("by a guardrail is told to the client with its reason, to the span without", () => {
    let isClosed = false;
    const guardrails = {
      note: () => "blocked by pii",
      close: () => void (isClosed = true),
    } as CallGuardrails;
    const { state, deps, chat } = createTestCall({ guardrails });
    const reason = new GatewayError("guardrail_blocked", "it says: my number is 12345");
    const result = failedCall(state, reason, { deps });
    expect(result).toMatchObject({ kind: "failed", code: "guardrail_blocked" });
    expect(result).toHaveProperty("message", "it says: my number is 12345");
    expect(chat.statusMessage).toBe("blocked by pii");
    expect(isClosed).toBe(true);
  });
});

test("a bug is told in the log, not to the client, and every span still ends", () => {
  const told = spyOn(console, "error").mockImplementation(() => undefined);
  try {
    const { state, deps, spans } = createTestCall();
    const result = failedCall(state, new TypeError("of the caller's prompt"), { deps });
    const outcome = { errorType: "internal" };
    expect(result).toMatchObject({ kind: "failed", code: "internal", outcome });
    expect(JSON.stringify(result)).not.toContain("prompt");
    expect(told).toHaveBeenCalledTimes(1);
    expect(spans.every(({ endMs }) => endMs !== undefined)).toBe(true);
  } finally {
    told.mockRestore();
  }
});
