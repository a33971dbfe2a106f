import { describe, expect, test } from "bun:test";
import { limitAttributes } from "../../../../../src/tracing/exporter/dialects/attribute-limit.ts";
import { decodeSpans } from "../../../../../src/tracing/recorder/span-decoding.ts";
import { storedCall } from "../../../../support/stored-call.ts";

const messages = JSON.stringify([
  { role: "user", parts: [{ type: "text", content: "ä".repeat(5000) }] },
  { role: "assistant", parts: [{ type: "text", content: 'say "hi"\n'.repeat(900) }] },
  { role: "user", parts: [{ type: "text", content: "short" }] },
]);

describe("attribute_limit", () => {
  test("cuts long values only, keeps message JSON valid, and says what it cut", () => {
    const stored = storedCall({
      chat: { "gen_ai.input.messages": messages, "gen_ai.response.id": "x".repeat(3000) },
    });
    const spans = decodeSpans(limitAttributes(2048)(stored));
    const chat = spans[3]?.attributes ?? {};
    for (const value of Object.values(chat)) {
      if (typeof value === "string") expect(Buffer.byteLength(value)).toBeLessThanOrEqual(2048);
    }
    const input = chat["gen_ai.input.messages"] as string;
    const kept = JSON.parse(input) as unknown[];
    expect(kept).toHaveLength(3);
    expect(JSON.stringify(kept[2])).toContain("short");
    expect(Buffer.byteLength(input)).toBeGreaterThan(1900);
    expect(chat["gen_ai.response.id"]).toBe(`${"x".repeat(2045)}…`);
    expect(chat["everyspan.cut_attributes"]).toEqual([
      "gen_ai.response.id",
      "gen_ai.input.messages",
    ]);
    const others = spans.filter((_, index) => index !== 3);
    expect(others).toEqual(decodeSpans(stored).filter((_, index) => index !== 3));
  });

  test("gives the stored bytes back where nothing is too long", () => {
    const stored = storedCall({ content: true });
    expect(limitAttributes(2048)(stored)).toBe(stored);
  });
});
