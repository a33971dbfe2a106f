import { describe, expect, test } from "bun:test";
import { decodeEscapes, unfinishedEscape } from "../../../src/apischema/json-escapes.ts";

const texts = [
  "plain",
  'with "quotes" and \\ slashes / both',
  "Zürich 東京 🗼 \u2028 tab\t line\n",
  "\b\f\r\u0000",
];

describe("escapes of JSON text", () => {
  test("are undone to what the text says, whatever it was escaped by", () => {
    for (const text of texts) {
      const usual = JSON.stringify(text).slice(1, -1);
      const all = [...Array(text.length).keys()]
        .map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`)
        .join("");
      expect(decodeEscapes(usual).text).toBe(text);
      expect(decodeEscapes(all).text).toBe(text);
    }
  });

  test("know where each char was written", () => {
    const raw = String.raw`a\u00fcb\"c`;
    const { text, offsets } = decodeEscapes(raw);
    expect(text).toBe('aüb"c');
    expect(offsets).toEqual([0, 1, 7, 8, 10, 11]);
  });

  test("that are none stand for themselves", () => {
    expect(decodeEscapes(String.raw`\x \u12g4 \ `).text).toBe(String.raw`\x \u12g4 \ `);
  });

  test("cut anywhere are known to be unfinished, and whole once the rest is there", () => {
    for (const text of texts) {
      const raw = JSON.stringify(text).slice(1, -1);
      for (let at = 0; at <= raw.length; at++) {
        const tail = unfinishedEscape(raw.slice(0, at));
        const first = raw.slice(0, at - tail);
        const second = raw.slice(at - tail);
        expect(decodeEscapes(first).text + decodeEscapes(second).text).toBe(text);
      }
    }
    expect(unfinishedEscape(String.raw`\\`)).toBe(0);
    expect(unfinishedEscape("\\")).toBe(1);
    expect(unfinishedEscape(String.raw`x\u00f`)).toBe(5);
  });
});
