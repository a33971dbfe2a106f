import { describe, expect, test } from "bun:test";
import {
  anthropicInputMessages,
  anthropicOutputMessages,
  anthropicSystem,
} from "../../../src/apischema/anthropic-messages.ts";

test("the system prompt stands apart, as a text or as blocks", () => {
  expect(anthropicSystem({ system: "be brief" })).toEqual([{ type: "text", content: "be brief" }]);
  expect(
    anthropicSystem({
      system: [{ type: "text", text: "a", cache_control: { type: "ephemeral" } }],
    }),
  ).toEqual([{ type: "text", content: "a" }]);
  expect(anthropicSystem({})).toEqual([]);
});

describe("anthropicInputMessages", () => {
  test("tells tools and their answers", () => {
    const body = {
      messages: [
        { role: "user", content: "weather?" },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm", signature: "SIGNATURE" },
            { type: "tool_use", id: "t1", name: "weather", input: { city: "Rome" } },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "t1", content: [{ type: "text", text: "sunny" }] },
            { type: "text", text: "well?" },
          ],
        },
      ],
    };
    expect(anthropicInputMessages(body)).toEqual([
      { role: "user", parts: [{ type: "text", content: "weather?" }] },
      {
        role: "assistant",
        parts: [
          { type: "reasoning", content: "hm" },
          { type: "tool_call", id: "t1", name: "weather", arguments: { city: "Rome" } },
        ],
      },
      {
        role: "user",
        parts: [
          { type: "tool_call_response", id: "t1", response: "sunny" },
          { type: "text", content: "well?" },
        ],
      },
    ]);
  });

  test("tells pictures and documents without their bytes", () => {
    const content = [
      { type: "image", source: { type: "base64", media_type: "image/png", data: "SECRETBYTES" } },
      { type: "image", source: { type: "url", url: "https://a.example/b.png" } },
      { type: "document", source: { type: "file", file_id: "f1" } },
      { type: "document", source: { type: "text", data: "plain words" } },
      { type: "server_tool_use", id: "s", name: "web_search", input: { query: "q" } },
      { type: "redacted_thinking", data: "SECRETBYTES" },
    ];
    const [message] = anthropicInputMessages({ messages: [{ role: "user", content }] });
    expect(message?.parts.map(({ type }) => type)).toEqual([
      "blob",
      "uri",
      "file",
      "text",
      "server_tool_call",
      "redacted_thinking",
    ]);
    expect(JSON.stringify(message)).not.toContain("SECRETBYTES");
  });
});

describe("anthropicOutputMessages", () => {
  test.each([
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["max_tokens", "length"],
    ["tool_use", "tool_call"],
    ["refusal", "content_filter"],
    ["pause_turn", "pause_turn"],
    [null, "error"],
  ])("a stop reason of %p is %p", (reason, expected) => {
    const reply = { content: [{ type: "text", text: "hi" }], stop_reason: reason };
    expect(anthropicOutputMessages(reply)).toEqual([
      { role: "assistant", parts: [{ type: "text", content: "hi" }], finish_reason: expected },
    ]);
  });

  test("an error body has none", () => {
    expect(anthropicOutputMessages({ type: "error", error: {} })).toEqual([]);
    expect(anthropicOutputMessages(undefined)).toEqual([]);
  });
});
