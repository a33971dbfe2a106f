import { expect, test } from "bun:test";
import { readGuardrailNames } from "../../../src/apischema/guardrail-names.ts";

test.each([
  [["a"], ["a"]],
  [
    [{ a: {}, b: null }, "a", "c"],
    ["a", "b", "c"],
  ],
  [{ a: 1 }, ["a"]],
  [{}, []],
  [null, []],
])("guardrail names are read from %j", (field, names) => {
  expect(readGuardrailNames(field)).toEqual(names);
});

test.each(["a", 1, true, [null], [["a"]], ["a", 2]].map((field) => [field] as const))(
  "guardrail names that cannot be read are not passed over: %j",
  (field) => {
    expect(readGuardrailNames(field)).toBeUndefined();
  },
);
