import { describe, expect, test } from "bun:test";
import type { Attributes } from "../../../src/tracing/recorder/span-encoding.ts";
import { addReplyAttributes, chatRequestAttributes } from "../../../src/workers/chat-span.ts";
import type { ReplyFacts } from "../../../src/workers/providers/reply-facts.ts";
import { factsOf, testUpstream } from "../../support/call-states.ts";

const claude = testUpstream({ api: "anthropic", name: "claude", wellKnownName: "anthropic" });

function replied(facts: ReplyFacts, extra: Parameters<typeof addReplyAttributes>[2]): Attributes {
  const said: Attributes = {};
  addReplyAttributes(said, facts, extra);
  return said;
}

function request(body: object, provider = testUpstream(), more = {}): Attributes {
  const facts = factsOf(body, provider.api);
  return chatRequestAttributes(facts, provider, { providerModel: "", sessionId: "", ...more });
}

describe("what the request says", () => {
  test("is no more than the caller said", () => {
    expect(request({ model: "gpt-4o-mini", messages: [] })).toEqual({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4o-mini",
      "everyspan.provider": "main",
      "server.address": "provider.test",
      "server.port": 8080,
      "openai.api.type": "chat_completions",
    });
  });

  test("names the model that the provider is asked for, and the caller's own name for it", () => {
    const body = { model: "fast", messages: [] };
    expect(request(body, testUpstream(), { providerModel: "gpt-4o-mini" })).toMatchObject({
      "gen_ai.request.model": "gpt-4o-mini",
      "everyspan.route.model": "fast",
    });
  });

  test("has what was set, zero and whole numbers too, and the session as conversation", () => {
    const body = {
      model: "m",
      messages: [],
      stream: true,
      temperature: 0,
      top_p: 1,
      seed: 0,
      n: 2,
      max_tokens: 5,
      stop: "x",
      service_tier: "flex",
    };
    expect(request(body, testUpstream(), { sessionId: "s1" })).toMatchObject({
      "gen_ai.request.stream": true,
      "gen_ai.request.temperature": 0,
      "gen_ai.request.top_p": 1,
      "gen_ai.request.seed": 0,
      "gen_ai.request.choice.count": 2,
      "gen_ai.request.max_tokens": 5,
      "gen_ai.request.stop_sequences": ["x"],
      "gen_ai.conversation.id": "s1",
      "openai.request.service_tier": "flex",
    });
  });

  test("leaves out what the conventions ask for only when it differs from the default", () => {
    const attributes = request({
      model: "m",
      messages: [],
      n: 1,
      stream: false,
      service_tier: "auto",
    });
    expect(attributes).not.toHaveProperty(["gen_ai.request.choice.count"]);
    expect(attributes).not.toHaveProperty(["gen_ai.request.stream"]);
    expect(attributes).not.toHaveProperty(["openai.request.service_tier"]);
  });

  test("has nothing of OpenAI's on another provider's span", () => {
    const body = { model: "claude-haiku-4-5", max_tokens: 9, messages: [], service_tier: "flex" };
    const names = Object.keys(request(body, claude));
    expect(names.filter((name) => name.startsWith("openai."))).toEqual([]);
  });
});

describe("what the reply says", () => {
  const extra = {
    price: undefined,
    attempts: 1,
    isOpenAI: true,
    timeToFirstChunkSeconds: undefined,
  };

  test("is nothing when the reply said nothing: no zeros, no empty lists", () => {
    expect(replied({ finishReasons: [] }, extra)).toEqual({});
    expect(replied({ finishReasons: [], usage: {} }, extra)).toEqual({});
  });

  test("keeps zeros that the provider did say, of tokens and of cost", () => {
    const usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0 };
    const price = { input: 0, output: 0, total: 0 };
    expect(replied({ finishReasons: [], usage }, { ...extra, price })).toEqual({
      "gen_ai.usage.input_tokens": 0,
      "gen_ai.usage.output_tokens": 0,
      "gen_ai.usage.cache_read.input_tokens": 0,
      "gen_ai.usage.cost": 0,
      "everyspan.cost.input": 0,
      "everyspan.cost.output": 0,
    });
  });

  test("has one finish reason for each choice, and the number of attempts from the second on", () => {
    const reply = { finishReasons: ["stop", "error"], id: "r", model: "m" };
    expect(replied(reply, { ...extra, attempts: 3 })).toEqual({
      "gen_ai.response.id": "r",
      "gen_ai.response.model": "m",
      "gen_ai.response.finish_reasons": ["stop", "error"],
      "everyspan.attempts": 3,
    });
  });

  test("has OpenAI's tier on OpenAI's spans only", () => {
    const reply = { finishReasons: [], serviceTier: "default" };
    expect(replied(reply, extra)).toEqual({
      "openai.response.service_tier": "default",
    });
    expect(replied(reply, { ...extra, isOpenAI: false })).toEqual({});
  });
});
