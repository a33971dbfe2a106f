import { describe, expect, test } from "bun:test";
import { createAnthropicStreamReader } from "../../../../../src/workers/providers/anthropic/stream-reader.ts";
import { lineEnds, readStream, wireFixtures } from "../wire-fixtures.ts";

const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const start = (usage: unknown) =>
  event("message_start", {
    type: "message_start",
    message: { id: "msg_1", model: "claude", usage },
  });
const delta = (stop_reason: string | null, usage?: unknown) =>
  event("message_delta", { type: "message_delta", delta: { stop_reason }, usage });
const stop = event("message_stop", { type: "message_stop" });

function readAll(frames: readonly string[]) {
  return readStream(createAnthropicStreamReader(), frames.join(""), 4096);
}

describe("a provider's stream", () => {
  for (const { name, provider, client, expected } of wireFixtures("anthropic")) {
    test.each(lineEnds)(`${name} is read right with %s line ends`, (_, end) => {
      const text = provider.replaceAll("\n", end);
      for (const width of [1, 7, 1000, text.length]) {
        const outcome = readStream(createAnthropicStreamReader(), text, width);
        expect(outcome.forwarded).toBe(client.replaceAll("\n", end));
        const { facts, complete, firstContent } = outcome;
        expect({ api: "anthropic", facts, complete, firstContent }).toEqual(expected);
      }
    });
  }
});

describe("usage in a stream", () => {
  test("is cumulative: the last value of each counter that is not null, never a sum", () => {
    const outcome = readAll([
      start({ input_tokens: 10, cache_read_input_tokens: 4, output_tokens: 1 }),
      delta(null, { output_tokens: 7, input_tokens: null }),
      delta("end_turn", { input_tokens: 12, output_tokens: 9, cache_read_input_tokens: null }),
      stop,
    ]);
    expect(outcome.facts.usage).toEqual({ inputTokens: 16, outputTokens: 9, cacheReadTokens: 4 });
  });

  test("is absent when the provider tells none, and keeps no nonsense", () => {
    expect(readAll([start(undefined), delta("end_turn"), stop]).facts.usage).toBeUndefined();
    expect(
      readAll([start({ input_tokens: "9", output_tokens: -1 }), stop]).facts.usage,
    ).toBeUndefined();
    expect(readAll([start({ output_tokens: 0 })]).facts.usage).toEqual({ outputTokens: 0 });
  });
});

describe("the end of a stream", () => {
  test("is message_stop alone", () => {
    const frames = [start({}), delta("end_turn")];
    expect(readAll(frames)).toMatchObject({
      complete: false,
      facts: { finishReasons: ["end_turn"] },
    });
    const whole = readAll([...frames, stop]);
    expect(whole).toMatchObject({ complete: true, facts: { finishReasons: ["end_turn"] } });
    expect(whole.readings.map((reading) => reading.terminal)).toEqual([false, false, true]);
  });

  test("is an error where the stream broke off, nothing where it never began", () => {
    expect(readAll([start({})]).facts.finishReasons).toEqual(["error"]);
    expect(readAll([": hello\n\n"]).facts).toEqual({ finishReasons: [] });
  });

  test("is found without event lines too, by the data's type", () => {
    const bare = [start({}), delta("end_turn"), stop].map((frame) =>
      frame.replace(/^event: .*\n/, ""),
    );
    expect(readAll(bare)).toMatchObject({
      complete: true,
      facts: { id: "msg_1", model: "claude", finishReasons: ["end_turn"] },
    });
  });
});

describe("an error in a stream", () => {
  test.each([
    [event("error", { type: "error", error: { type: "api_error", message: "m" } }), "api_error"],
    [event("error", { error: { message: "m", type: "server_error", code: 500 } }), "server_error"],
    [event("error", { type: "odd", message: "m" }), "odd"],
    ['data: {"error":{"message":"m","type":"t"}}\n\n', "t"],
  ])("ends it, whatever its shape: %j", (error, errorType) => {
    const outcome = readAll([start({}), error]);
    expect(outcome.readings[1]).toEqual({
      forward: error,
      terminal: true,
      content: false,
      error: errorType,
    });
    expect(outcome.facts).toMatchObject({ errorType, errorMessage: "m", finishReasons: ["error"] });
    expect(outcome.complete).toBe(false);
  });

  test("that is not even JSON is one all the same", () => {
    const outcome = readAll(["event: error\ndata: overloaded\n\n"]);
    expect(outcome.readings[0]).toMatchObject({ terminal: true, error: "_OTHER" });
  });
});

describe("content, for the time to first token", () => {
  test.each([
    ["content_block_delta", { delta: { type: "text_delta", text: "a" } }, true],
    ["content_block_delta", { delta: { type: "text_delta", text: "" } }, false],
    ["content_block_delta", { delta: { type: "thinking_delta", thinking: '"' } }, true],
    ["content_block_delta", { delta: { type: "input_json_delta", partial_json: "" } }, false],
    ["content_block_delta", { delta: { type: "input_json_delta", partial_json: "{" } }, true],
    ["content_block_delta", { delta: { type: "signature_delta", signature: '"text":"x"' } }, false],
    ["content_block_start", { content_block: { type: "text", text: "" } }, false],
    ["content_block_start", { content_block: { type: "thinking", thinking: "" } }, false],
    ["content_block_start", { content_block: { type: "tool_use", name: "t", input: {} } }, true],
    ["content_block_stop", { index: 0 }, false],
    ["new_event", { text: "a" }, false],
  ])("is in %s %j: %p", (name, data, content) => {
    const frame = event(name, { type: name, index: 0, ...data });
    const frames = [frame, frame.replaceAll("\n", "\r\n"), frame.replaceAll('":', '": ')];
    for (const raw of frames) {
      expect(createAnthropicStreamReader().read(raw)).toEqual({
        forward: raw,
        terminal: false,
        content,
      });
    }
  });
});
