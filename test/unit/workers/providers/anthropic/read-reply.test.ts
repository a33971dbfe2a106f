import { describe, expect, test } from "bun:test";
import { readAnthropicReply } from "../../../../../src/workers/providers/anthropic/read-reply.ts";

describe("an Anthropic-format reply", () => {
  test("is read in full, cached tokens within the input", () => {
    const reply = {
      id: "msg_1",
      type: "message",
      model: "claude-opus-5",
      stop_reason: "end_turn",
      usage: {
        input_tokens: 10,
        cache_creation_input_tokens: 200,
        cache_read_input_tokens: 3000,
        output_tokens: 50,
        output_tokens_details: { thinking_tokens: 30 },
        service_tier: "priority",
      },
    };
    expect(readAnthropicReply(reply)).toEqual({
      id: "msg_1",
      model: "claude-opus-5",
      finishReasons: ["end_turn"],
      usage: {
        inputTokens: 3210,
        outputTokens: 50,
        cacheReadTokens: 3000,
        cacheWriteTokens: 200,
        reasoningTokens: 30,
      },
      serviceTier: "priority",
    });
  });

  test("says error for a message without stop reason, and nothing for what is no message", () => {
    expect(readAnthropicReply({ type: "message", stop_reason: null }).finishReasons).toEqual([
      "error",
    ]);
    for (const json of [null, [], "x", {}, { input_tokens: 5 }]) {
      expect(readAnthropicReply(json)).toEqual({ finishReasons: [] });
    }
  });

  test.each([
    [
      { type: "error", error: { type: "overloaded_error", message: "m" }, request_id: "r" },
      "overloaded_error",
    ],
    [{ type: "error", error: { type: "t", message: "m", details: { error_code: "c" } } }, "t"],
    [{ error: { message: "m", type: "not_found_error", code: 404 } }, "not_found_error"],
  ])("that is an error is read in either API's shape: %j", (json, errorType) => {
    expect(readAnthropicReply(json)).toEqual({ finishReasons: [], errorType, errorMessage: "m" });
  });
});
