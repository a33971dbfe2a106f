import { describe, expect, test } from "bun:test";
import {
  readAnthropicRequest,
  readOpenAIRequest,
  type RequestParse,
} from "../../../src/apischema/request-facts.ts";

const least = { model: "m", messages: [] };
const leastFacts = {
  model: "m",
  stream: false,
  includeUsage: false,
  hasStreamOptions: false,
  hasGuardrails: false,
};

function factsOf(parse: RequestParse): unknown {
  return parse.ok ? parse.facts : parse;
}

describe("an OpenAI request", () => {
  test("is read in full", () => {
    const parse = readOpenAIRequest({
      model: "gpt-5.5",
      messages: [{ role: "user", content: "hi" }],
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 100,
      max_tokens: 50,
      temperature: 0.5,
      top_p: 0.9,
      seed: 7,
      frequency_penalty: -1,
      presence_penalty: 1.5,
      n: 2,
      stop: ["a", "b"],
      response_format: { type: "json_schema", json_schema: {} },
      reasoning_effort: "high",
      service_tier: "flex",
      user: "u-1",
      metadata: { user_id: "not ours" },
      unknown_field: {},
    });
    expect(factsOf(parse)).toEqual({
      model: "gpt-5.5",
      stream: true,
      maxTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      seed: 7,
      frequencyPenalty: -1,
      presencePenalty: 1.5,
      choiceCount: 2,
      stopSequences: ["a", "b"],
      outputType: "json",
      reasoningLevel: "high",
      serviceTier: "flex",
      user: "u-1",
      includeUsage: true,
      hasStreamOptions: true,
      hasGuardrails: false,
    });
  });

  test("needs a model and messages, and nothing else", () => {
    expect(readOpenAIRequest(least)).toEqual({ ok: true, facts: leastFacts });
    expect(readOpenAIRequest({ ...least, stream: null })).toEqual({ ok: true, facts: leastFacts });
  });

  test("leaves wrong types of optional fields to the provider", () => {
    const parse = readOpenAIRequest({
      ...least,
      temperature: "hot",
      max_tokens: 1.5,
      seed: 2 ** 60,
      n: null,
      stop: 3,
      response_format: "json",
      modalities: "audio",
      reasoning_effort: 5,
      user: {},
      metadata: "x",
    });
    expect(factsOf(parse)).toEqual(leastFacts);
  });

  test.each([
    [{ response_format: { type: "text" } }, "text"],
    [{ response_format: { type: "json_object" } }, "json"],
    [{ modalities: ["text", "audio"] }, "speech"],
    [{ modalities: ["image", "text"] }, "image"],
    [{ modalities: ["text"] }, undefined],
    [{ response_format: { type: "grammar" } }, undefined],
  ])("says what it wants out: %j", (fields, outputType) => {
    expect(factsOf(readOpenAIRequest({ ...least, ...fields }))).toEqual({
      ...leastFacts,
      ...(outputType !== undefined && { outputType }),
    });
  });

  test.each([
    [{}, false],
    [{ include_usage: false }, false],
    [{ include_usage: "yes" }, false],
    [{ include_usage: true }, true],
    [null, false],
    ["x", false],
  ])("has stream options when they are there at all: %j", (stream_options, includeUsage) => {
    expect(factsOf(readOpenAIRequest({ ...least, stream_options }))).toEqual({
      ...leastFacts,
      hasStreamOptions: true,
      includeUsage,
    });
  });

  test("takes one stop sequence for a list of one", () => {
    const parse = readOpenAIRequest({ ...least, stop: "END" });
    expect(factsOf(parse)).toEqual({ ...leastFacts, stopSequences: ["END"] });
  });
});

describe("an Anthropic request", () => {
  test("is read in full", () => {
    const parse = readAnthropicRequest({
      model: "claude-haiku-4-5",
      messages: [],
      max_tokens: 1024,
      stream: true,
      temperature: 1,
      top_p: 0.5,
      top_k: 40,
      stop_sequences: ["x"],
      output_config: { effort: "low", format: { type: "json_schema", schema: {} } },
      service_tier: "auto",
      metadata: { user_id: "u-2", other: 1 },
      system: "s",
      thinking: { type: "adaptive" },
    });
    expect(factsOf(parse)).toEqual({
      model: "claude-haiku-4-5",
      stream: true,
      maxTokens: 1024,
      temperature: 1,
      topP: 0.5,
      topK: 40,
      stopSequences: ["x"],
      outputType: "json",
      reasoningLevel: "low",
      serviceTier: "auto",
      user: "u-2",
      includeUsage: false,
      hasStreamOptions: false,
      hasGuardrails: false,
    });
  });

  test.each([undefined, {}, null, "x", { user_id: null }])(
    "has no user in metadata %j",
    (metadata) => {
      expect(factsOf(readAnthropicRequest({ ...least, metadata }))).toEqual(leastFacts);
    },
  );
});

describe("a request of either API", () => {
  const secret = "sk-very-secret";
  const readers = { openai: readOpenAIRequest, anthropic: readAnthropicRequest };
  const refused: [string, unknown, string, string][] = [
    ["null", null, "", "The body must be a JSON object."],
    ["a list", [least], "", "The body must be a JSON object."],
    ["a text", secret, "", "The body must be a JSON object."],
    ["no model", { messages: [] }, "model", "`model` is required."],
    [
      "a model that is no text",
      { model: [secret], messages: [] },
      "model",
      "`model` must be a string.",
    ],
    ["an empty model", { model: "", messages: [] }, "model", "`model` must not be empty."],
    ["no messages", { model: secret }, "messages", "`messages` is required."],
    [
      "messages that are no list",
      { model: "m", messages: secret },
      "messages",
      "`messages` must be an array.",
    ],
    [
      "a stream that is no boolean",
      { ...least, stream: secret },
      "stream",
      "`stream` must be a boolean.",
    ],
    [
      "guardrails by one name",
      { ...least, guardrails: secret },
      "guardrails",
      "`guardrails` must be a list of names.",
    ],
    [
      "a guardrail that is a number",
      { ...least, guardrails: [1] },
      "guardrails",
      "`guardrails` must be a list of names.",
    ],
  ];
  for (const [api, read] of Object.entries(readers)) {
    test.each(refused)(
      `of ${api} is refused with %s, in words of ours alone`,
      (_, body, param, message) => {
        expect(read(body)).toEqual({ ok: false, message, param });
      },
    );

    test(`of ${api} names guardrails as LiteLLM's clients do`, () => {
      const named = (guardrails: unknown) => factsOf(read({ ...least, guardrails }));
      const withNames = (guardrails: string[]) => ({
        ...leastFacts,
        hasGuardrails: true,
        guardrails,
      });
      expect(named(["a", "b", "a"])).toEqual(withNames(["a", "b"]));
      expect(named({ a: { extra_body: {} }, b: {} })).toEqual(withNames(["a", "b"]));
      expect(named([{ a: { extra_body: {} } }, "b"])).toEqual(withNames(["a", "b"]));
      expect(named([])).toEqual(withNames([]));
      expect(named(null)).toEqual(withNames([]));
    });
  }
});
