import { expect, test } from "bun:test";
import { parseTemplate, textOf } from "../../../src/batch/prompt-template.ts";

test("columns are filled in, with or without space around their names", () => {
  const template = parseTemplate("{{a}} and {{ b c }}: {{a}}{ {{}} }");
  expect(template.columns).toEqual(["a", "b c"]);
  expect(template.render({ a: "x", "b c": 2 })).toEqual({ ok: true, text: "x and 2: x{ {{}} }" });
});

test("a value is never read as a template", () => {
  expect(parseTemplate("{{a}}").render({ a: "{{b}} $& $1", b: "no" })).toEqual({
    ok: true,
    text: "{{b}} $& $1",
  });
});

test("the column that a row has not is named, names of every object included", () => {
  expect(parseTemplate("{{a}}{{b}}").render({ a: 1 })).toEqual({ ok: false, column: "b" });
  expect(parseTemplate("{{toString}}").render({})).toEqual({ ok: false, column: "toString" });
});

test("strings are as they are, nothing is nothing, the rest is JSON", () => {
  expect([undefined, null, "", "a", 1, true, { b: [1] }].map(textOf)).toEqual([
    "",
    "",
    "",
    "a",
    "1",
    "true",
    '{"b":[1]}',
  ]);
});
