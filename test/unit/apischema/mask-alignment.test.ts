import { describe, expect, test } from "bun:test";
import { alignMask, applyReplacements } from "../../../src/apischema/mask-alignment.ts";

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}

describe("the alignment of a masked text", () => {
  test("finds each mask where it is", () => {
    const original = "write to alice@example.com, or if you prefer to bob@example.org, as you like";
    const masked = original
      .replace("alice@example.com", "[email]")
      .replace("bob@example.org", "[email]");
    const found = alignMask(original, masked);
    expect(found.map(({ start, end }) => original.slice(start, end))).toEqual([
      "alice@example.com",
      "bob@example.org",
    ]);
  });

  test("of an unchanged text is empty", () => {
    expect(alignMask("same", "same")).toEqual([]);
  });

  test("gives an insertion a place", () => {
    expect(alignMask("abc", "abcdef")).toEqual([{ start: 2, end: 3, text: "cdef" }]);
    expect(alignMask("abc", "xabc")).toEqual([{ start: 0, end: 1, text: "xa" }]);
    expect(alignMask("abc", "")).toEqual([{ start: 0, end: 3, text: "" }]);
  });

  test("applied gives exactly the masked text, whatever was done to it", () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const next = random(seed);
      const letters = seed % 2 === 0 ? "ab" : "abcdefghij klmnop";
      const text = (length: number): string =>
        Array.from({ length }, () => letters[Math.floor(next() * letters.length)]).join("");
      const original = text(1 + Math.floor(next() * 80));
      let masked = original;
      for (let edits = 0; edits < 1 + (seed % 4); edits++) {
        const at = Math.floor(next() * (masked.length + 1));
        masked =
          masked.slice(0, at) +
          text(Math.floor(next() * 6)) +
          masked.slice(at + Math.floor(next() * 9));
      }
      const found = alignMask(original, masked);
      expect(applyReplacements(original, found)).toBe(masked);
      for (const [at, { start, end }] of found.entries()) {
        expect(start).toBeLessThan(end);
        expect(start).toBeGreaterThanOrEqual(found[at - 1]?.end ?? 0);
      }
    }
  });

  test("ends, and is right, on texts that have nothing in common", () => {
    const original = "a".repeat(50_000);
    const masked = "b".repeat(50_000);
    expect(applyReplacements(original, alignMask(original, masked))).toBe(masked);
  });
});
