import { describe, expect, test } from "bun:test";
import { replyText } from "../../../src/batch/prompt-request.ts";

const openai = (message: unknown, finish: string) =>
  replyText("openai", { choices: [{ message, finish_reason: finish }] });
const anthropic = (content: unknown, stop: string) =>
  replyText("anthropic", { content, stop_reason: stop });

describe("a reply", () => {
  test("is its text", () => {
    const text = { text: "a", problem: "", isCut: false };
    expect(openai({ content: "a" }, "stop")).toEqual(text);
    expect(anthropic([{ type: "text", text: "a" }], "end_turn")).toEqual(text);
    expect(openai({ content: "" }, "stop")).toEqual({ text: "", problem: "", isCut: false });
  });

  test("that ends at its limit of tokens is known to be cut", () => {
    const cut = { text: "a", problem: "", isCut: true };
    expect(openai({ content: "a" }, "length")).toEqual(cut);
    expect(anthropic([{ type: "text", text: "a" }], "max_tokens")).toEqual(cut);
  });

  test("of which the limit, or a filter, has left nothing is none", () => {
    expect(openai({ content: "" }, "length").problem).toBe("cut off at its limit of tokens");
    expect(anthropic([], "max_tokens").problem).toBe("cut off at its limit of tokens");
    expect(openai({ content: "" }, "content_filter").problem).toBe("the reply has no text");
  });
});
