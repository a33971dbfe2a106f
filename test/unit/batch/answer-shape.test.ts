import { expect, test } from "bun:test";
import { labelShape, readAnswer, schemaShape } from "../../../src/batch/answer-shape.ts";

const shape = labelShape(["yes", "no"]);

test("a label is one of those asked for, in a fence or without", () => {
  expect(readAnswer(shape, '{"label":"yes"}')).toEqual({ ok: true, label: "yes" });
  expect(readAnswer(shape, '```json\n{"label": "no"}\n```')).toEqual({ ok: true, label: "no" });
});

test("what is wrong is said in words that a model can use", () => {
  expect(readAnswer(shape, "yes")).toEqual({ ok: false, problem: "the answer is no JSON" });
  expect(readAnswer(shape, '{"label":"maybe"}')).toEqual({
    ok: false,
    problem: 'label: must be one of "yes", "no"',
  });
  for (const text of ["", "{}", "[]", "null", '{"label":"yes","more":1}', '{"label":"YES"}']) {
    expect(readAnswer(shape, text).ok).toBe(false);
  }
});

test("a schema's label is its property, or else the whole answer", () => {
  const loose = { type: "object", properties: {}, additionalProperties: true };
  const own = schemaShape(loose);
  expect(own.labelOf({ label: "a", b: 1 })).toBe("a");
  expect(own.labelOf({ label: 3 })).toBe("3");
  expect(own.labelOf({ label: null, b: 1 })).toBe("null");
  expect(own.labelOf({ b: 1 })).toBe('{"b":1}');
  expect(own.labelOf("a")).toBe("a");
});
