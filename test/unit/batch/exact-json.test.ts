import { describe, expect, test } from "bun:test";
import { parseExactJson } from "../../../src/batch/exact-json.ts";

describe("a number that a double changes", () => {
  for (const number of [
    "12345678901234567890",
    "-9007199254740993",
    "1e400",
    "-1E-400",
    "-0",
    "0.1000000000000000055511151231257827",
    "1234567890.1234567890",
  ]) {
    test(`is written as it stood: ${number}`, () => {
      for (const text of [`{"a":${number}}`, `[1,${number}]`]) {
        expect(JSON.stringify(parseExactJson(text))).toBe(text);
      }
    });
  }
});

test("all others are numbers, as any reader has them", () => {
  const text =
    '{"a":1.0,"b":1e2,"c":-1.5E-7,"d":100000000000000000000,"e":1e21,"f":0.0,"g":[0,5e-324],"h":"1e400"}';
  expect(parseExactJson(text)).toEqual(JSON.parse(text));
});

test("a random number is never changed in value", () => {
  for (let count = 0; count < 2000; count++) {
    const value = (Math.random() - 0.5) * 10 ** Math.floor(Math.random() * 40 - 20);
    for (const text of [JSON.stringify(value), value.toExponential(), value.toPrecision(17)]) {
      expect(Number(JSON.stringify(parseExactJson(text)))).toBe(Number(text));
    }
  }
});

test("what is no JSON is told as by JSON.parse", () => {
  expect(() => parseExactJson('{"a":12345678901234567890')).toThrow(SyntaxError);
});
