import { describe, expect, test } from "bun:test";
import { findModel, matchesPattern } from "../../../src/server/resolve-model.ts";

const model = (name: string, provider = "p") => ({ name, provider, model: undefined });

describe("matchesPattern", () => {
  test.each([
    ["a", "a", true],
    ["a", "ab", false],
    ["*", "", true],
    ["*", "anything", true],
    ["claude-*", "claude-haiku", true],
    ["claude-*", "claude", false],
    ["*-mini", "gpt-mini", true],
    ["a*b*c", "a1b2c", true],
    ["a*b*c", "acb", false],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["*.*", "a.b", true],
    ["(a+)+*", "aaaa", false],
  ] as const)("%s covers %s: %p", (pattern, name, covers) => {
    expect(matchesPattern(pattern, name)).toBe(covers);
  });

  test("is quick whatever the caller sends", () => {
    const started = performance.now();
    expect(matchesPattern(`${"a*".repeat(20)}b`, "a".repeat(512))).toBe(false);
    expect(performance.now() - started).toBeLessThan(500);
  });
});

test("an exact name wins over a wildcard, a longer wildcard over a shorter", () => {
  const models = [
    model("*", "any"),
    model("claude-*", "c"),
    model("claude-3*", "c3"),
    model("claude-3", "exact"),
  ];
  const providerOf = (name: string): string | undefined => findModel(models, name)?.provider;
  expect(providerOf("claude-3")).toBe("exact");
  expect(providerOf("claude-3-opus")).toBe("c3");
  expect(providerOf("claude-4")).toBe("c");
  expect(providerOf("gpt")).toBe("any");
  expect(findModel([model("a")], "b")).toBeUndefined();
});
