import { expect, test } from "bun:test";
import * as v from "valibot";
import { closedObject } from "../../../src/config/closed-object.ts";
import { problemsOfIssues } from "../../../src/config/problems.ts";
import { duration } from "../../../src/config/value-schemas.ts";

const schema = closedObject({
  timeout: duration(),
  wait: v.optional(duration(), "5s"),
  inner: v.optional(closedObject({ name: v.string("must be text") })),
});

function problemsOf(value: unknown): string[] {
  const { issues = [] } = v.safeParse(schema, value);
  return problemsOfIssues(issues, new Map()).map(({ path, message }) => `${path}: ${message}`);
}

test("a mapping of known keys comes out with its defaults", () => {
  expect(v.parse(schema, { timeout: "1s" })).toEqual({ timeout: 1000, wait: 5000 });
});

test("a key without a value is an absent one", () => {
  expect(v.parse(schema, { timeout: "1s", wait: undefined })).toEqual({
    timeout: 1000,
    wait: 5000,
  });
});

test("all unknown keys are told, at every depth, beside all that is wrong with the known", () => {
  expect(problemsOf({ timout: 1, wiat: 2, wait: "x", inner: { nmae: 1 } })).toEqual([
    "timeout: is missing; it must be a duration such as 500ms, 30s, 2m or 24h",
    'wait: must be a duration such as 500ms, 30s, 2m or 24h (got "x")',
    "inner.name: is missing; it must be text",
    "inner.nmae: unknown key; did you mean name?",
    "timout: unknown key; did you mean timeout?",
    "wiat: unknown key; did you mean wait?",
  ]);
});

test("a key like none of the known is answered with all of them", () => {
  expect(problemsOf({ timeout: "1s", address: 1 })).toEqual([
    "address: unknown key; known here: timeout, wait, inner",
  ]);
});

test("a key that looks like a secret is not told in full", () => {
  expect(problemsOf({ timeout: "1s", "sk-live-4242424242": 1 })).toEqual([
    '["sk-l…"]: unknown key; known here: timeout, wait, inner',
  ]);
});

test("names of every object are keys like any other", () => {
  const written: unknown = JSON.parse(
    '{ "timeout": "1s", "__proto__": { "wait": "9s" }, "constructor": 1 }',
  );
  expect(problemsOf(written)).toHaveLength(2);
});

test.each([[[]], ["x"], [5], [null]])("%p is no mapping", (value) => {
  expect(problemsOf(value)).toEqual([": must be a mapping of keys to values"]);
});
