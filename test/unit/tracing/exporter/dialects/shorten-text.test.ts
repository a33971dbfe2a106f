import { describe, expect, test } from "bun:test";
import {
  shortenJson,
  shortenText,
} from "../../../../../src/tracing/exporter/dialects/shorten-text.ts";
import { createRandom, randomJson } from "../../../apischema/random-json.ts";

describe("a shortened text", () => {
  test("never takes more bytes than allowed and never ends within a character", () => {
    const text = "aé漢😀".repeat(20);
    for (let limit = 0; limit <= Buffer.byteLength(text); limit += 1) {
      const short = shortenText(text, limit);
      expect(Buffer.byteLength(short)).toBeLessThanOrEqual(limit);
      expect(short).not.toContain("\ufffd");
      expect(text.startsWith(short.replace(/…$/, ""))).toBe(true);
    }
    expect(shortenText(text, Buffer.byteLength(text))).toBe(text);
  });
});

describe("shortened JSON", () => {
  test("keeps its shape within the limit, down to where the shape alone is too long", () => {
    const random = createRandom(8);
    let shortened = 0;
    for (let round = 0; round < 300; round += 1) {
      const document = [
        JSON.parse(randomJson(random, 4)),
        { content: '"\\\n😀x'.repeat(random.below(200)) },
      ];
      const text = JSON.stringify(document);
      const limit = random.below(Buffer.byteLength(text)) + 1;
      const short = shortenJson(text, limit);
      if (short === undefined) continue;
      shortened += 1;
      expect(Buffer.byteLength(short)).toBeLessThanOrEqual(limit);
      const kept = JSON.parse(short) as unknown[];
      expect(shapeOf(kept)).toBe(shapeOf(document.slice(document.length - kept.length)));
    }
    expect(shortened).toBeGreaterThan(50);
  });

  test("leaves short texts whole and takes from the longest", () => {
    const text = JSON.stringify([
      { role: "user", content: "a".repeat(1000) },
      { role: "assistant", content: "b".repeat(100) },
    ]);
    const short = JSON.parse(shortenJson(text, 400) ?? "[]") as { content: string }[];
    expect(short[1]?.content).toBe("b".repeat(100));
    expect(short[0]?.content).toMatch(/^a{200,}…$/);
  });

  test("of more messages than there is room for is that of the newest", () => {
    const messages = Array.from({ length: 500 }, (_, at) => ({
      role: "user",
      parts: [{ type: "text", content: `${at} ${"word ".repeat(at % 7 === 0 ? 200 : 1)}` }],
    }));
    for (const limit of [200, 2048, 16_384]) {
      const short = shortenJson(JSON.stringify(messages), limit) ?? "";
      expect(Buffer.byteLength(short)).toBeLessThanOrEqual(limit);
      const kept = JSON.parse(short) as typeof messages;
      expect(kept.length).toBeGreaterThanOrEqual(Math.floor(limit / 120));
      expect(kept.at(-1)).toEqual(messages[499]);
    }
    expect(shortenJson(JSON.stringify(messages), 20)).toBeUndefined();
  });

  test("of a message with more parts than there is room for is that of the newest of them", () => {
    const call = (at: number) => ({
      type: "tool_call",
      id: `call_${at}`,
      arguments: { at, of: "a" },
    });
    const messages = [
      { role: "user", parts: [{ type: "text", content: "what to do" }] },
      { role: "assistant", parts: Array.from({ length: 300 }, (_, at) => call(at)), finish: "x" },
    ];
    for (const limit of [200, 300, 2048]) {
      const short = shortenJson(JSON.stringify(messages), limit) ?? "";
      expect(Buffer.byteLength(short)).toBeLessThanOrEqual(limit);
      const [kept, ...more] = JSON.parse(short) as typeof messages;
      expect(more).toEqual([]);
      expect(kept).toMatchObject({ role: "assistant", finish: "x" });
      expect(kept!.parts.length).toBeGreaterThanOrEqual(Math.floor(limit / 80) - 1);
      expect(kept!.parts.at(-1)).toEqual(call(299));
    }
    expect(shortenJson(JSON.stringify(messages), 60)).toBe(
      '[{"role":"assistant","parts":[],"finish":"x"}]',
    );
  });

  test("is none of what only looks like it", () => {
    expect(shortenJson("[not json", 5)).toBeUndefined();
    expect(shortenJson("plain", 2)).toBeUndefined();
    expect(shortenJson(JSON.stringify({ [`k${"k".repeat(100)}`]: 1 }), 50)).toBeUndefined();
  });
});

function shapeOf(document: unknown): string {
  return JSON.stringify(document, (_key, value: unknown) =>
    typeof value === "string" ? "" : value,
  );
}
