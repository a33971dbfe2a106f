import { describe, expect, test } from "bun:test";
import { skipSpace, skipString, skipValue } from "../../../src/apischema/json-scan.ts";
import { createRandom, randomJson } from "./random-json.ts";

describe("skipping JSON", () => {
  test("ends exactly where the value ends, whatever it is", () => {
    for (let seed = 0; seed < 3000; seed += 1) {
      const json = randomJson(createRandom(seed), 4);
      for (const after of ["", ",", "]", "}", " ", "\n,"]) {
        expect({ seed, end: skipValue(`x${json}${after}`, 1) }).toEqual({
          seed,
          end: json.length + 1,
        });
      }
    }
  });

  test("passes over escaped quotes and escaped backslashes", () => {
    for (const text of ['""', '"\\""', '"\\\\"', '"\\\\\\""', '"a\\\\\\\\"']) {
      expect(skipString(`${text}"`, 0)).toBe(text.length);
    }
  });

  test("passes over the four kinds of white space and no other", () => {
    expect(skipSpace(" \n\r\tx", 0)).toBe(4);
    expect(skipSpace("\u00a0x", 0)).toBe(0);
    expect(skipSpace("", 0)).toBe(0);
  });

  test.each(['"', '"\\"', "[", '{"a":1', "[1,2", '["]', "", ",", '"'.concat("\\".repeat(9))])(
    "throws on what does not end: %p",
    (text) => {
      expect(() => skipValue(text, 0)).toThrow(
        expect.objectContaining({ code: "invalid_request" }),
      );
    },
  );
});
