import { describe, expect, test } from "bun:test";
import { readRequestContent } from "../../../src/apischema/request-content.ts";
import { GatewayError } from "../../../src/errors/gateway-error.ts";
import { readReplyTexts } from "../../../src/apischema/reply-texts.ts";

function textsOf(api: "openai" | "anthropic", body: object): string[] {
  return readRequestContent(api, body).slots.map(({ raw }) => raw);
}

describe("the texts of a request", () => {
  test("are all of OpenAI's", () => {
    const body = {
      model: "m",
      user: "u",
      metadata: { note: "not for the model" },
      messages: [
        { role: "system", content: "system" },
        { role: "developer", name: "dev", content: [{ type: "text", text: "part" }] },
        {
          role: "user",
          content: [
            { type: "text", text: "question" },
            { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "low" } },
            { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } },
            { type: "file", file: { filename: "a.pdf", file_data: "data:…", file_id: "f" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          refusal: "refusal",
          reasoning_content: "thought",
          tool_calls: [
            { id: "c", type: "function", function: { name: "f", arguments: '{"a":"arg"}' } },
          ],
        },
        { role: "tool", tool_call_id: "c", content: "result" },
      ],
      tools: [
        {
          type: "function",
          function: {
            name: "f",
            description: "description",
            parameters: {
              type: "object",
              properties: {
                type: { type: "string", description: "of a property", enum: ["choice"] },
              },
              required: ["type"],
            },
          },
        },
      ],
      prediction: { type: "content", content: "prediction" },
      response_format: { type: "json_schema", json_schema: { name: "s", description: "schema" } },
      x_unheard_of: { deep: ["unheard of"] },
    };
    expect(textsOf("openai", body)).toEqual([
      "system",
      "part",
      "question",
      "a.pdf",
      "refusal",
      "thought",
      '{"a":"arg"}',
      "result",
      "description",
      "of a property",
      "choice",
      "prediction",
      "schema",
      "unheard of",
    ]);
    expect(readRequestContent("openai", body).images.map(({ image }) => image)).toEqual([
      "https://example.com/a.png",
    ]);
  });

  test("are in schemas whatever somebody calls a property or a definition", () => {
    const names = ["usage", "logprobs", "timings", "cache_control", "input", "type", "image_url"];
    for (const map of ["properties", "patternProperties", "$defs", "definitions"]) {
      const schema = {
        type: "object",
        [map]: Object.fromEntries(
          names.map((name) => [name, { type: "string", description: `on ${name}` }]),
        ),
      };
      const found = names.map((name) => `on ${name}`);
      const tool = { type: "function", function: { name: "f", parameters: schema } };
      expect(textsOf("openai", { tools: [tool] })).toEqual(found);
      expect(textsOf("anthropic", { tools: [{ name: "f", input_schema: schema }] })).toEqual(found);
    }
  });

  test("are a tool's examples, whatever their keys", () => {
    const examples = [{ type: "own type", usage: { name: "own name" } }];
    const tools = [{ name: "f", input_schema: { type: "object" }, input_examples: examples }];
    expect(textsOf("anthropic", { tools })).toEqual(["own type", "own name"]);
  });

  test("are all of Anthropic's", () => {
    const body = {
      model: "m",
      system: [{ type: "text", text: "system", cache_control: { type: "ephemeral", ttl: "5m" } }],
      messages: [
        { role: "user", content: "question" },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "thought", signature: "sig" },
            { type: "redacted_thinking", data: "opaque" },
            {
              type: "tool_use",
              id: "t",
              name: "f",
              input: { id: "own id", list: [{ name: "own name" }] },
            },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: "result" }] },
            { type: "tool_result", tool_use_id: "u", content: "string result" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
            {
              type: "document",
              title: "title",
              source: { type: "text", media_type: "text/plain", data: "document" },
            },
            {
              type: "document",
              source: { type: "base64", media_type: "application/pdf", data: "BBBB" },
            },
          ],
        },
      ],
      tools: [{ name: "f", description: "description", input_schema: { type: "object" } }],
    };
    const texts = textsOf("anthropic", body);
    expect(texts).toEqual([
      "system",
      "question",
      "thought",
      "opaque",
      "own id",
      "own name",
      "result",
      "string result",
      "title",
      "document",
      "description",
    ]);
    expect(readRequestContent("anthropic", body).images.map(({ image }) => image)).toEqual([
      "AAAA",
    ]);
  });

  test("have paths that lead to them", () => {
    const body = { messages: [{ role: "user", content: [{ type: "text", text: "here" }] }] };
    const [slot] = readRequestContent("openai", body).slots;
    expect(slot?.path).toEqual(["messages", 0, "content", 0, "text"]);
  });

  test("of a body of no known shape are its strings", () => {
    expect(textsOf("openai", { messages: "oops" })).toEqual(["oops"]);
    expect(textsOf("openai", [] as object)).toEqual([]);
  });
});

describe("texts without measure", () => {
  const many = Array.from({ length: 200_000 }, () => "a");
  const deep = (levels: number, texts: readonly string[]): unknown => {
    let value: unknown = texts;
    for (let level = 0; level < levels; level++) value = [value];
    return value;
  };

  test("are read as long as they are as many as a long conversation has", () => {
    expect(textsOf("openai", { x: deep(3, many.slice(0, 90_000)) })).toHaveLength(90_000);
    expect(textsOf("openai", { x: deep(900, many.slice(0, 100)) })).toHaveLength(100);
  });

  test("are refused: to the caller as a body that is too large, of a provider as not to be checked", () => {
    for (const x of [deep(3, many), deep(900, many.slice(0, 1000))]) {
      expect(() => textsOf("openai", { x })).toThrow(
        new GatewayError("payload_too_large", "the request has more texts than can be checked"),
      );
      expect(() => readReplyTexts({ x })).toThrow(
        new GatewayError("guardrail_failed", "the reply has more texts than can be checked"),
      );
    }
  });
});

describe("the texts of a reply", () => {
  test("are those of every choice, refusals and reasoning among them, without log probabilities", () => {
    const { slots } = readReplyTexts({
      id: "chatcmpl-1",
      model: "m",
      choices: [
        {
          index: 0,
          finish_reason: "stop",
          message: { role: "assistant", content: "one", reasoning: "why" },
          logprobs: { content: [{ token: "one" }] },
        },
        {
          index: 1,
          message: { refusal: "no", tool_calls: [{ function: { name: "f", arguments: "{}" } }] },
        },
      ],
      usage: { note: "x" },
    });
    expect(slots.map(({ raw, kind }) => [raw, kind])).toEqual([
      ["one", "text"],
      ["why", "text"],
      ["no", "text"],
      ["{}", "json"],
    ]);
  });
});
