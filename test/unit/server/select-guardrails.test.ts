import { describe, expect, test } from "bun:test";
import { selectGuardrails } from "../../../src/server/select-guardrails.ts";
import type { GuardrailConfig } from "../../../src/config/schema.ts";
import type { RouteName } from "../../../src/protocol/call-task.ts";

function guardrail(name: string, always: boolean): GuardrailConfig {
  return {
    name,
    always,
    type: "pattern",
    modes: ["pre_call"],
    onError: "block",
    timeoutMs: 1000,
    stream: { mode: "window", holdbackChars: 64, windowChars: 256, windowMs: 50 },
    patterns: [],
    builtin: ["secrets"],
    action: "block",
  };
}

const config = {
  guardrails: [guardrail("first", false), guardrail("always", true), guardrail("last", false)],
};

function select(
  header: string | null,
  field: unknown,
  route: RouteName = "messages",
): readonly { readonly name: string; readonly extra: object }[] {
  return selectGuardrails(config, { route, header, field });
}
const names = (header: string | null, field?: unknown): string[] =>
  select(header, field).map(({ name }) => name);

describe("the choice of guardrails", () => {
  test("is those that always run when the caller names none", () => {
    expect(names(null)).toEqual(["always"]);
    expect(names("")).toEqual(["always"]);
  });

  test("adds those named in the header or the body, each once, in the configuration's order", () => {
    expect(names(" last , first,,")).toEqual(["first", "always", "last"]);
    expect(names("last", ["last", { first: {} }])).toEqual(["first", "always", "last"]);
    expect(names(null, { last: { extra_body: {} } })).toEqual(["always", "last"]);
  });

  test("cannot be emptied", () => {
    for (const field of [[], null, {}]) expect(names(null, field)).toEqual(["always"]);
  });

  test("hands on what the caller adds for one", () => {
    expect(select(null, { always: { extra_body: { level: 2 } } })).toEqual([
      { name: "always", extra: { level: 2 } },
    ]);
    expect(select("always", [{ always: { extra_body: { level: 2 } } }])[0]?.extra).toEqual({
      level: 2,
    });
  });

  test("refuses unknown names and fields of another shape, showing nothing that could do harm", () => {
    expect(() => names("nope")).toThrow("there is no guardrail `nope`; known: first, always, last");
    expect(() => names(`a\u0000${"b".repeat(500)}`)).toThrow(/`ab{63}`/);
    expect(() => names(null, "always")).toThrow("must be a list");
    expect(() => names(null, [1])).toThrow("must be a list");
    const none = { guardrails: [] };
    expect(() =>
      selectGuardrails(none, { route: "messages", header: "x", field: undefined }),
    ).toThrow("none is configured");
  });

  test("closes paths that are only passed on, but not the list of models", () => {
    expect(() => select(null, undefined, "forward")).toThrow(
      "closed while a guardrail applies (always)",
    );
    expect(select(null, undefined, "models")).toEqual([]);
    const free = { guardrails: [guardrail("first", false)] };
    expect(selectGuardrails(free, { route: "forward", header: null, field: undefined })).toEqual(
      [],
    );
    expect(() =>
      selectGuardrails(free, { route: "forward", header: "first", field: undefined }),
    ).toThrow("closed");
  });
});
