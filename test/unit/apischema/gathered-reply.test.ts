import { describe, expect, test } from "bun:test";
import {
  createAnthropicGathering,
  createOpenAIGathering,
} from "../../../src/apischema/gathered-reply.ts";
import type { GatheredReply } from "../../../src/apischema/gathered-reply.ts";
import { anthropicOutputMessages } from "../../../src/apischema/anthropic-messages.ts";
import { openaiOutputMessages } from "../../../src/apischema/openai-messages.ts";

function noteAll(gathering: GatheredReply, events: readonly object[]): void {
  for (const event of events) gathering.note(event as Readonly<Record<string, unknown>>);
}

describe("an OpenAI stream", () => {
  const choice = (fields: object) => ({ choices: [{ index: 0, ...fields }] });

  test("comes together to its text, reasoning and finish reason", () => {
    const gathering = createOpenAIGathering(1000);
    noteAll(gathering, [
      choice({ delta: { role: "assistant", content: "" } }),
      choice({ delta: { reasoning_content: "let me " } }),
      choice({ delta: { reasoning_content: "see" } }),
      choice({ delta: { content: "Hel" } }),
      choice({ delta: { content: "lo" } }),
      choice({ delta: {}, finish_reason: "stop" }),
      { choices: [], usage: {} },
    ]);
    expect(openaiOutputMessages(gathering.reply())).toEqual([
      {
        role: "assistant",
        parts: [
          { type: "reasoning", content: "let me see" },
          { type: "text", content: "Hello" },
        ],
        finish_reason: "stop",
      },
    ]);
  });

  test("keeps choices and tool calls apart by their index", () => {
    const gathering = createOpenAIGathering(1000);
    const call = (index: number, fields: object) =>
      choice({ delta: { tool_calls: [{ index, ...fields }] } });
    noteAll(gathering, [
      { choices: [{ index: 1, delta: { content: "second" }, finish_reason: "length" }] },
      call(0, { id: "a", function: { name: "f", arguments: "" } }),
      call(1, { id: "b", function: { name: "g", arguments: '{"x"' } }),
      call(0, { function: { arguments: '{"y":1}' } }),
      call(1, { function: { arguments: ":2}" } }),
      choice({ finish_reason: "tool_calls" }),
    ]);
    const [first, second] = openaiOutputMessages(gathering.reply());
    expect(second?.finish_reason).toBe("length");
    expect(first?.parts).toEqual([
      { type: "tool_call", id: "a", name: "f", arguments: { y: 1 } },
      { type: "tool_call", id: "b", name: "g", arguments: { x: 2 } },
    ]);
  });

  test.each([
    [
      "calls of custom tools",
      [
        { tool_calls: [{ index: 0, id: "t", type: "custom", custom: { name: "g", input: "" } }] },
        { tool_calls: [{ index: 0, custom: { input: "two " } }] },
        { tool_calls: [{ index: 0, custom: { input: "words" } }] },
      ],
      { type: "tool_call", id: "t", name: "g", arguments: "two words" },
    ],
    [
      "a call of a function the old way",
      [
        { content: null, function_call: { name: "f", arguments: "" } },
        { function_call: { arguments: '{"a":' } },
        { function_call: { arguments: "1}" } },
      ],
      { type: "tool_call", id: undefined, name: "f", arguments: { a: 1 } },
    ],
    [
      "content in parts",
      [
        { content: [{ type: "text", text: "one " }] },
        { content: [{ type: "text", text: "text" }] },
      ],
      { type: "text", content: "one text" },
    ],
  ])("has %s whole", (_, deltas, part) => {
    const gathering = createOpenAIGathering(1000);
    noteAll(
      gathering,
      deltas.map((delta) => choice({ delta })),
    );
    expect(openaiOutputMessages(gathering.reply())[0]?.parts).toEqual([part]);
  });

  test("has its choices and tool calls in the order of their index, whichever began first", () => {
    const gathering = createOpenAIGathering(1000);
    const began = (index: number) =>
      choice({ delta: { tool_calls: [{ index, id: `call_${index}`, function: { name: "f" } }] } });
    noteAll(gathering, [
      { choices: [{ index: 2, delta: { content: "third" } }] },
      { choices: [{ index: 1, delta: { content: "second" } }] },
      began(1),
      began(0),
    ]);
    const messages = openaiOutputMessages(gathering.reply());
    expect(messages.map(({ parts }) => parts.map((part) => part["content"] ?? part["id"]))).toEqual(
      [["call_0", "call_1"], ["second"], ["third"]],
    );
  });
});

describe("an Anthropic stream", () => {
  test("comes together block by block", () => {
    const gathering = createAnthropicGathering(1000);
    const start = (index: number, block: object) => ({
      type: "content_block_start",
      index,
      content_block: block,
    });
    const delta = (index: number, fields: object) => ({
      type: "content_block_delta",
      index,
      delta: fields,
    });
    noteAll(gathering, [
      { type: "message_start", message: { id: "m" } },
      start(0, { type: "thinking", thinking: "" }),
      delta(0, { type: "thinking_delta", thinking: "hm" }),
      start(1, { type: "text", text: "He" }),
      delta(1, { type: "text_delta", text: "llo" }),
      start(2, { type: "tool_use", id: "t", name: "f", input: {} }),
      delta(2, { type: "input_json_delta", partial_json: '{"a":' }),
      delta(2, { type: "input_json_delta", partial_json: "1}" }),
      { type: "message_delta", delta: { stop_reason: "tool_use" } },
      { type: "message_stop" },
    ]);
    expect(anthropicOutputMessages(gathering.reply())).toEqual([
      {
        role: "assistant",
        parts: [
          { type: "reasoning", content: "hm" },
          { type: "text", content: "Hello" },
          { type: "tool_call", id: "t", name: "f", arguments: { a: 1 } },
        ],
        finish_reason: "tool_call",
      },
    ]);
  });

  test("has an empty input for a tool that was called without one", () => {
    const gathering = createAnthropicGathering(1000);
    const block = { type: "tool_use", id: "toolu_1", name: "now", input: {} };
    noteAll(gathering, [
      { type: "content_block_start", index: 0, content_block: block },
      {
        type: "content_block_delta",
        index: 0,
        delta: { type: "input_json_delta", partial_json: "" },
      },
    ]);
    expect(anthropicOutputMessages(gathering.reply())[0]?.parts).toEqual([
      { type: "tool_call", id: "toolu_1", name: "now", arguments: {} },
    ]);
  });
});

test("both hold no more than they may, and take anything", () => {
  for (const gathering of [createOpenAIGathering(100), createAnthropicGathering(100)]) {
    for (let at = 0; at < 2000; at++) {
      const text = "x".repeat(50);
      noteAll(gathering, [
        { choices: [{ index: at, delta: { content: text } }] },
        { type: "content_block_delta", index: at, delta: { text } },
        { choices: [null, 1, { index: {}, delta: 4 }], index: "x", delta: [], content_block: 1 },
      ]);
    }
    expect(JSON.stringify(gathering.reply()).length).toBeLessThan(25_000);
  }
});
