import { describe, expect, test } from "bun:test";
import {
  openaiInputMessages,
  openaiOutputMessages,
} from "../../../src/apischema/openai-messages.ts";

describe("openaiInputMessages", () => {
  test("tells a conversation with system, tools and their answers", () => {
    const body = {
      messages: [
        { role: "system", content: "be brief" },
        { role: "user", content: "weather?" },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            {
              id: "c1",
              type: "function",
              function: { name: "weather", arguments: '{"city":"Rome"}' },
            },
          ],
        },
        { role: "tool", tool_call_id: "c1", content: "sunny" },
      ],
    };
    expect(openaiInputMessages(body)).toEqual([
      { role: "system", parts: [{ type: "text", content: "be brief" }] },
      { role: "user", parts: [{ type: "text", content: "weather?" }] },
      {
        role: "assistant",
        parts: [{ type: "tool_call", id: "c1", name: "weather", arguments: { city: "Rome" } }],
      },
      { role: "tool", parts: [{ type: "tool_call_response", id: "c1", response: "sunny" }] },
    ]);
  });

  test("tells pictures, sound and files without their bytes", () => {
    const content = [
      { type: "text", text: "look" },
      { type: "image_url", image_url: { url: "data:image/jpeg;base64,SECRETBYTES" } },
      { type: "image_url", image_url: { url: "https://a.example/b.png" } },
      { type: "input_audio", input_audio: { format: "wav", data: "SECRETBYTES" } },
      { type: "file", file: { file_id: "file-1" } },
      { type: "refusal", refusal: "no" },
      { type: "hologram", bytes: "SECRETBYTES" },
    ];
    const [message] = openaiInputMessages({ messages: [{ role: "user", content }] });
    expect(message?.parts.map(({ type }) => type)).toEqual([
      "text",
      "blob",
      "uri",
      "blob",
      "file",
      "text",
      "hologram",
    ]);
    expect(JSON.stringify(message)).not.toContain("SECRETBYTES");
  });

  test("says something of anything", () => {
    for (const body of [null, 1, "x", [], {}, { messages: 5 }]) {
      expect(openaiInputMessages(body)).toEqual([]);
    }
    expect(openaiInputMessages({ messages: [null, 7, { role: 1, content: [null, 3] }] })).toEqual([
      { role: "user", parts: [] },
      { role: "user", parts: [] },
      { role: "user", parts: [{ type: "unknown" }, { type: "unknown" }] },
    ]);
  });
});

describe("openaiOutputMessages", () => {
  test("tells one message per choice, each with its finish reason", () => {
    const reply = {
      choices: [
        { index: 0, finish_reason: "stop", message: { role: "assistant", content: "hi" } },
        {
          index: 1,
          finish_reason: "tool_calls",
          message: {
            content: "",
            reasoning_content: "hm",
            tool_calls: [{ id: "c", function: { name: "f", arguments: "not json" } }],
          },
        },
        { index: 2, message: { refusal: "I will not" } },
      ],
    };
    expect(openaiOutputMessages(reply)).toEqual([
      { role: "assistant", parts: [{ type: "text", content: "hi" }], finish_reason: "stop" },
      {
        role: "assistant",
        parts: [
          { type: "reasoning", content: "hm" },
          { type: "tool_call", id: "c", name: "f", arguments: "not json" },
        ],
        finish_reason: "tool_call",
      },
      {
        role: "assistant",
        parts: [{ type: "text", content: "I will not" }],
        finish_reason: "error",
      },
    ]);
  });

  test("an error body has none", () => {
    expect(openaiOutputMessages({ error: { message: "x" } })).toEqual([]);
  });
});
