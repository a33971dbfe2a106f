import { describe, expect, test } from "bun:test";
import { findBacktracking } from "../../../src/config/regex-safety.ts";

describe("patterns that can backtrack without end are refused", () => {
  test.each([
    "(a+)+$",
    "(a*)*b",
    "(a|a)*b",
    "(a|aa)+$",
    "((a+))+",
    "(?<name>a+)+",
    String.raw`^(\w+\s?)*$`,
    "(.*a){20}",
    "([a-zA-Z]+)*$",
    "(x+x+)+y",
    String.raw`(\w|\d)+z`,
    "(?:a?a)+b",
    "(a?){30}a{30}",
    "(?:a{1,30}){1,30}b",
    "(a+){10}b",
    "(?=(a+)+b)",
    String.raw`(?:\s*,?\s*)*x`,
    String.raw`^(([a-z])+.)+[A-Z]([a-z])+$`,
    String.raw`(\d+)\1`,
    "(?:a(?:b|c)?b?)+d",
    String.raw`(?:,\d*\w*)+x`,
    String.raw`(?:\w+=\d+)+x`,
    String.raw`(?:\w*,\d*)+x`,
    "(?:,(?:a?){2})+x",
  ])("exponential: %s", (source) => {
    expect(findBacktracking(source)).toBeString();
  });

  test.each([
    "a*a*a*b",
    "(a*)(a*)(a*)b",
    ".*.*=",
    ".*.*.*=",
    String.raw`\w+\w+@`,
    String.raw`a\w+\w+@`,
    String.raw`\s*\w*\s*x`,
    "ignore.*all.*previous.*instructions",
    "(?:a+){2}c",
    "(?:a+b?){2}c",
    "(?:(?:a+){2}){2}c",
  ])("of a high power: %s", (source) => {
    expect(findBacktracking(source)).toBeString();
  });
});

describe("patterns that people write are taken", () => {
  test.each([
    "secret",
    "AKIA[0-9A-Z]{16}",
    String.raw`[\w.+-]+@[\w-]+\.[\w.]+`,
    String.raw`\b\d{3}-\d{2}-\d{4}\b`,
    String.raw`(?:\w+,)*x`,
    String.raw`(?:[a-z]+\.)+com`,
    "(foo|bar|baz)",
    String.raw`Bearer\s+[\w.-]+`,
    String.raw`-----BEGIN [A-Z ]+-----[\s\S]*?-----END`,
    String.raw`https?://[^\s]+`,
    String.raw`(?:\d[ -]?){13,19}`,
    String.raw`(?:[0-9]{1,3}\.){3}[0-9]{1,3}`,
    String.raw`password\s*[:=]\s*\S+`,
    String.raw`key\s*=?\s*\w+`,
    "ignore.*previous.*instructions",
    "ignore.{0,80}all.{0,80}previous",
    ".*secret.*",
    String.raw`[{}\]]x{y`,
    String.raw`(?:\w+=\w+;)+x`,
    String.raw`(?:\s*"\w+"\s*:)+x`,
    String.raw`(?:\w+,){2}x`,
    String.raw`(?:\d{4}[ -]){3}\d{4}`,
  ])("%s", (source) => {
    expect(findBacktracking(source)).toBeUndefined();
  });

  test("and none of them takes long over the text that suits it worst", () => {
    const worst = [
      "a",
      " ",
      "a.",
      "a,",
      "ignoreprevious",
      "ignore ",
      "1",
      "1-",
      "key ",
      "-----BEGIN A-----",
    ];
    for (const source of [
      String.raw`[\w.+-]+@[\w-]+\.[\w.]+`,
      String.raw`(?:\w+,)*x`,
      String.raw`(?:[a-z]+\.)+com`,
      String.raw`(?:\d[ -]?){13,19}`,
      String.raw`key\s*=?\s*\w+!`,
      String.raw`-----BEGIN [A-Z ]+-----[\s\S]*?-----END`,
      "ignore.*previous.*instructions",
      ".*secret.*",
    ]) {
      expect(findBacktracking(source)).toBeUndefined();
      for (const unit of worst) {
        const text = unit.repeat(2048).slice(0, 2048);
        const startedMs = performance.now();
        new RegExp(source).test(text);
        // A hang would be minutes; the bound is loose because the machine is shared.
        expect(performance.now() - startedMs).toBeLessThan(2000);
      }
    }
  });
});
