import { describe, expect, test } from "bun:test";
import { parseYamlDocument } from "../../../src/config/yaml-document.ts";

function problemOf(text: string): string {
  const parsed = parseYamlDocument(text);
  return parsed.ok ? "" : parsed.problem;
}

describe("a file", () => {
  test("that is empty is an empty mapping", () => {
    expect(parseYamlDocument("")).toEqual({ ok: true, document: {} });
    expect(parseYamlDocument("# nothing\n")).toEqual({ ok: true, document: {} });
  });

  test("may leave keys without a value and share parts by alias", () => {
    const text = "a: &x { b: 1 }\nc: *x\nd:\ne: [~]\n";
    const parsed = parseYamlDocument(text);
    expect(parsed).toEqual({
      ok: true,
      document: { a: { b: 1 }, c: { b: 1 }, d: undefined, e: [null] },
    });
    const { a, c } = (parsed as { document: { a: object; c: object } }).document;
    expect(a).not.toBe(c);
  });

  test.each(["- a\n", "text", "a: 1\n---\nb: 2\n", "42"])("such as %p is refused", (text) => {
    expect(problemOf(text)).toContain("must be one YAML mapping of sections");
  });

  test("that names a section twice is refused: the parser would keep the last alone", () => {
    expect(problemOf("guardrails:\n  - a\nserver: {}\nguardrails: []\n")).toBe(
      "has the section guardrails twice; the first would be ignored",
    );
  });
});

describe("a file that is not YAML", () => {
  test.each([
    ["a: 1\nb: [1,\nc: 2\n", 2],
    ["a: 1\nb: 2\nc: d: e\nf: 1\n", 3],
    ["a:\n\t- b\n", 2],
  ])("%p is reported near its line", (text, line) => {
    expect(problemOf(text)).toContain(`is not valid YAML near line ${line} (`);
  });

  test("because of a bare ${NAME} in braces gets the remedy", () => {
    expect(problemOf("a:\n  - { name: x, key: ${KEY} }\n")).toContain('write "${NAME}" in quotes');
  });

  test("is not quoted, for a broken line may hold a key", () => {
    expect(problemOf("key: sk-secret\n  x: [sk-other\n")).not.toContain("sk-");
  });
});

describe("a hostile file is refused", () => {
  test("when an alias contains itself", () => {
    expect(problemOf("a: &x\n  b: *x\n")).toContain("does an alias (*name) contain itself?");
  });

  test("when aliases multiply", () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const items = Array.from({ length: 10 }, () => (level === 0 ? "x" : `*a${level - 1}`));
      return `a${level}: &a${level} [${items.join(", ")}]`;
    });
    expect(problemOf(levels.join("\n"))).not.toBe("");
    expect(problemOf(levels.slice(0, 6).join("\n"))).not.toBe("");
  });

  test("when it is nested without end", () => {
    expect(problemOf(`a: ${"[".repeat(1000)}${"]".repeat(1000)}`)).toContain("nested too deep");
    expect(problemOf("[".repeat(100_000))).toContain("nested too deep");
  });

  test("when a key is meant to change every object", () => {
    const parsed = parseYamlDocument("__proto__: { polluted: true }\n");
    expect(parsed.ok && Object.keys(parsed.document as object)).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});
