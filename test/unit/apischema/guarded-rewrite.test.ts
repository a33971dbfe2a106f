import { describe, expect, test } from "bun:test";
import { rewriteReply, rewriteRequest } from "../../../src/apischema/guarded-rewrite.ts";
import { readRequestContent } from "../../../src/apischema/request-content.ts";
import { readReplyTexts } from "../../../src/apischema/reply-texts.ts";
import { slotTexts } from "../../../src/apischema/slot-edits.ts";

function rewrite(
  api: "openai" | "anthropic",
  body: string,
  change: (text: string) => string,
  more: { images?: string[]; tools?: unknown[] } = {},
): string {
  const content = readRequestContent(api, JSON.parse(body));
  return rewriteRequest(body, content, {
    texts: slotTexts(content.slots).map(change),
    images: more.images ?? content.images.map(({ image }) => image),
    ...(more.tools && { tools: more.tools }),
  });
}

describe("a rewritten request", () => {
  const body = `{ "messages":[ {"role":"user","content":"caf\\u00e9 word"}, {"role":"user","content":"caf\\u00e9"} ],"n":1.0 }`;

  test("differs in the strings that changed and in nothing else", () => {
    expect(rewrite("openai", body, (text) => text.replace("word", "[w]"))).toBe(
      body.replace(`"caf\\u00e9 word"`, '"café [w]"'),
    );
    expect(rewrite("openai", body, (text) => text)).toBe(body);
  });

  test("keeps arguments JSON, escapes beside the mask included", () => {
    const args = String.raw`{"a":"Z\u00fcrich","b":"word \"x\""}`;
    const call = JSON.stringify({
      messages: [{ role: "assistant", tool_calls: [{ function: { name: "f", arguments: args } }] }],
    });
    const rewritten = rewrite("openai", call, (text) => text.replace("word", '["w"]'));
    const changed = String.raw`{"a":"Z\u00fcrich","b":"[\"w\"] \"x\""}`;
    expect(rewritten).toBe(call.replace(JSON.stringify(args), JSON.stringify(changed)));
  });

  test("has the images and tools that were put in their place, in the API's own shape", () => {
    const anthropic = JSON.stringify({
      messages: [
        { role: "user", content: [{ type: "image", source: { type: "url", url: "https://a/" } }] },
      ],
      tools: [{ name: "f", description: "old", input_schema: { type: "object" }, strict: true }],
    });
    const tool = { name: "f", description: "new", parameters: { type: "object", x: 1 } };
    const rewritten = rewrite("anthropic", anthropic, (text) => text, {
      images: ["https://b/"],
      tools: [{ type: "function", function: tool }],
    });
    expect(JSON.parse(rewritten)).toEqual({
      messages: [
        { role: "user", content: [{ type: "image", source: { type: "url", url: "https://b/" } }] },
      ],
      tools: [
        { name: "f", description: "new", input_schema: { type: "object", x: 1 }, strict: true },
      ],
    });
  });

  test("takes a tool that was replaced as it is, for its masked texts are no longer there", () => {
    const openai = JSON.stringify({
      messages: [],
      tools: [{ type: "function", function: { name: "f", description: "a word" } }],
    });
    const next = { type: "function", function: { name: "f", description: "other" } };
    const rewritten = rewrite("openai", openai, (text) => text.replace("word", "[w]"), {
      tools: [next],
    });
    expect(JSON.parse(rewritten)).toEqual({ messages: [], tools: [next] });
  });
});

describe("a rewritten reply", () => {
  test("loses the log probabilities of the choices that were masked, and of no other", () => {
    const reply = JSON.stringify({
      choices: [
        { index: 0, message: { content: "a word" }, logprobs: { content: [{ token: "word" }] } },
        { index: 1, message: { content: "fine" }, logprobs: { content: [{ token: "fine" }] } },
      ],
    });
    const content = readReplyTexts(JSON.parse(reply));
    const rewritten = rewriteReply(reply, content, { texts: ["a [w]", "fine"], images: [] });
    expect(JSON.parse(rewritten)).toEqual({
      choices: [
        { index: 0, message: { content: "a [w]" }, logprobs: null },
        { index: 1, message: { content: "fine" }, logprobs: { content: [{ token: "fine" }] } },
      ],
    });
    expect(rewriteReply(reply, content, { texts: ["a word", "fine"], images: [] })).toBe(reply);
  });
});
