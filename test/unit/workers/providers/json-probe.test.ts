import { describe, expect, test } from "bun:test";
import {
  asCount,
  asName,
  mayHaveText,
  mayHaveValue,
  parseObject,
} from "../../../../src/workers/providers/json-probe.ts";

describe("a probe", () => {
  test.each([
    ['{"usage":{}}', true],
    ['{"usage" : \n 1}', true],
    ['{"usage":null}', false],
    ['{"usage": null}', false],
    ['{"x":{"usage":null},"usage":0}', true],
    ['{"text":"\\"usage\\":1"}', false],
    ['{"text":"usage"}', false],
    ['{"x":["usage"]}', false],
    ["{}", false],
  ])("for a value says of %j: %p", (json, expected) => {
    expect(mayHaveValue(json, '"usage"')).toBe(expected);
  });

  test.each([
    ['{"content":"a"}', true],
    ['{"content" : "a"}', true],
    ['{"content":"\\""}', true],
    ['{"content":""}', false],
    ['{"content":null}', false],
    ['{"content":["a"]}', false],
    ['{"content":"","delta":{"content":"b"}}', true],
    ['{"x":"\\"content\\":\\"a\\""}', false],
  ])("for a text says of %j: %p", (json, expected) => {
    expect(mayHaveText(json, '"content"')).toBe(expected);
  });
});

test("only an object is parsed into one", () => {
  expect(parseObject('{"a":1}')).toEqual({ a: 1 });
  for (const text of ["", "null", "[]", '"x"', "{", "[DONE]"])
    expect(parseObject(text)).toBeUndefined();
});

test("a name is a text that says something, cut where no name is that long", () => {
  expect(asName("gpt-4o")).toBe("gpt-4o");
  for (const value of ["", null, 7, {}, ["a"]]) expect(asName(value)).toBeUndefined();
  expect(asName("i".repeat(1_000_000))).toBe("i".repeat(256));
});

test("a count is a whole number that adds up exactly, or none", () => {
  for (const value of [-3, NaN, Infinity, "7", null, {}, undefined]) {
    expect(asCount(value)).toBeUndefined();
  }
  expect([0, 7, 1.5, 0.2, 1e300].map(asCount)).toEqual([0, 7, 2, 0, Number.MAX_SAFE_INTEGER]);
});
