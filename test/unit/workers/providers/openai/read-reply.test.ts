import { describe, expect, test } from "bun:test";
import { readOpenAIReply } from "../../../../../src/workers/providers/openai/read-reply.ts";

describe("an OpenAI-format reply", () => {
  test("is read in full", () => {
    const reply = {
      id: "chatcmpl-1",
      model: "gpt-5.5-2026-04-01",
      service_tier: "default",
      system_fingerprint: "fp_1",
      choices: [
        { index: 1, message: { content: "b" }, finish_reason: "length" },
        { index: 0, message: { content: "a" }, finish_reason: "stop" },
      ],
      usage: {
        prompt_tokens: 100,
        completion_tokens: 20,
        prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
        completion_tokens_details: { reasoning_tokens: 15 },
      },
    };
    expect(readOpenAIReply(reply)).toEqual({
      id: "chatcmpl-1",
      model: "gpt-5.5-2026-04-01",
      serviceTier: "default",
      systemFingerprint: "fp_1",
      finishReasons: ["stop", "length"],
      usage: {
        inputTokens: 100,
        outputTokens: 20,
        cacheReadTokens: 60,
        cacheWriteTokens: 30,
        reasoningTokens: 15,
      },
    });
  });

  test("says error for a choice without finish reason", () => {
    const choices = [{ index: 0, finish_reason: null }, {}];
    expect(readOpenAIReply({ choices }).finishReasons).toEqual(["error", "error"]);
  });

  test("gives no slot to a choice far beyond what the API allows", () => {
    const choices = [
      { index: 4e9, finish_reason: "stop" },
      { index: -1, finish_reason: "stop" },
    ];
    expect(readOpenAIReply({ choices }).finishReasons).toEqual([]);
  });

  test.each(
    [null, [], "x", 3, {}, { choices: {}, usage: [], id: 5, model: "" }].map((json) => [json]),
  )("that is another thing tells nothing: %j", (json) => {
    expect(readOpenAIReply(json)).toEqual({ finishReasons: [] });
  });
});

describe("an error body", () => {
  test.each([
    [
      { error: { message: "m", type: "invalid_request_error", code: "invalid_api_key" } },
      "invalid_api_key",
    ],
    [{ error: { message: "m", type: "rate_limit", code: null } }, "rate_limit"],
    [{ error: { message: "m", type: "unavailable_error", code: 503 } }, "unavailable_error"],
    [{ error: { message: "m", code: 503 } }, "503"],
    [{ error: { message: "m" } }, "_OTHER"],
    [{ error: "m" }, "_OTHER"],
    [{ object: "error", message: "m", type: "BadRequestError", code: 400 }, "BadRequestError"],
    [{ detail: "m" }, "_OTHER"],
  ])("is read whatever server it is of: %j", (json, errorType) => {
    expect(readOpenAIReply(json)).toEqual({ finishReasons: [], errorType, errorMessage: "m" });
  });

  test("keeps a bounded part of its message", () => {
    const { errorMessage } = readOpenAIReply({ error: { message: "x".repeat(5000) } });
    expect(errorMessage).toHaveLength(1024);
  });
});
