import { describe, expect, test } from "bun:test";
import { createContentCapture } from "../../../src/workers/content-capture.ts";

const openai = { api: "openai", limitChars: 2000 } as const;
const anthropic = { api: "anthropic", limitChars: 2000 } as const;

describe("content capture", () => {
  test("records what was sent and what came back, as JSON text", () => {
    const capture = createContentCapture(openai);
    capture.request('{"model":"m","messages":[{"role":"user","content":"hi"}]}');
    capture.reply('{"choices":[{"finish_reason":"stop","message":{"content":"ho"}}]}');
    expect(capture.attributes()).toEqual({
      "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]',
      "gen_ai.output.messages":
        '[{"role":"assistant","parts":[{"type":"text","content":"ho"}],"finish_reason":"stop"}]',
    });
  });

  test("has the system prompt apart where the format has", () => {
    const capture = createContentCapture(anthropic);
    capture.request('{"system":"brief","messages":[{"role":"user","content":"hi"}]}');
    expect(Object.keys(capture.attributes())).toEqual([
      "gen_ai.input.messages",
      "gen_ai.system_instructions",
    ]);
  });

  test("a stream comes together however it is cut, characters of many bytes included", () => {
    const events = ["Grüße ", "日本 ", "😀"].map(
      (content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`,
    );
    const binary = Buffer.from(`${events.join("")}data: [DONE]\n\n`).toString("latin1");
    for (let at = 0; at <= binary.length; at++) {
      const capture = createContentCapture(openai);
      capture.part(binary.slice(0, at));
      capture.part(binary.slice(at));
      expect(capture.attributes()["gen_ai.output.messages"]).toContain("Grüße 日本 😀");
    }
  });

  test("a stream that broke off says so", () => {
    const capture = createContentCapture(openai);
    capture.part('data: {"choices":[{"index":0,"delta":{"content":"hal"}}]}\n\ndata: {"cho');
    expect(capture.attributes()["gen_ai.output.messages"]).toBe(
      '[{"role":"assistant","parts":[{"type":"text","content":"hal"}],"finish_reason":"error"}]',
    );
  });

  test("keeps each attribute within the bound", () => {
    const capture = createContentCapture({ api: "openai", limitChars: 300 });
    const content = "x".repeat(5000);
    capture.request(JSON.stringify({ messages: [{ role: "user", content }] }));
    capture.reply(JSON.stringify({ choices: [{ message: { content } }] }));
    for (const value of Object.values(capture.attributes())) {
      expect(String(value).length).toBeLessThanOrEqual(300);
    }
  });

  test("records nothing of what it cannot read, and lets nothing stop the stream", () => {
    const capture = createContentCapture(openai);
    capture.request("not json");
    capture.reply("<html>");
    capture.part("\0\xff\n\n\n");
    capture.part("x".repeat(17 * 1024 * 1024));
    capture.part("data: {}\n\n");
    expect(capture.attributes()).toEqual({});
  });
});
