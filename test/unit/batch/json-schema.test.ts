import { describe, expect, test } from "bun:test";
import { problemOf, SchemaError, schemaOf } from "../../../src/batch/json-schema.ts";

const person = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 1 },
    age: { type: "integer", minimum: 0, maximum: 150 },
    tags: { type: "array", items: { enum: ["a", "b"] }, maxItems: 2 },
    note: { type: ["string", "null"] },
    either: { anyOf: [{ type: "boolean" }, { const: "maybe" }] },
  },
  required: ["name", "age"],
  additionalProperties: false,
};

describe("a schema", () => {
  const check = schemaOf(person);

  test("takes what fits it", () => {
    for (const value of [
      { name: "x", age: 1 },
      { name: "x", age: 0, tags: ["a", "b"], note: null, either: "maybe" },
      { name: "x", age: 150, tags: [], note: "", either: false },
    ]) {
      expect(problemOf(check, value)).toBe(undefined);
    }
  });

  test("says where and what does not", () => {
    const problems: readonly [unknown, string][] = [
      [{ age: 1 }, "name"],
      [{ name: "", age: 1 }, "name"],
      [{ name: "x", age: 1.5 }, "age"],
      [{ name: "x", age: 151 }, "age"],
      [{ name: "x", age: 1, tags: ["a", "c"] }, "tags.1"],
      [{ name: "x", age: 1, tags: ["a", "a", "a"] }, "tags"],
      [{ name: "x", age: 1, note: 2 }, "note"],
      [{ name: "x", age: 1, either: "no" }, "either"],
      [{ name: "x", age: 1, more: 1 }, "more"],
    ];
    for (const [value, place] of problems) {
      expect(problemOf(check, value)).toStartWith(`${place}: `);
    }
    expect(problemOf(check, "text")).toBeString();
    expect(problemOf(check, null)).toBeString();
  });

  test("is refused where it could not be checked, with the place", () => {
    const refused: readonly [unknown, string][] = [
      [
        { type: "object", properties: { a: { $ref: "#/x" } } },
        "the schema.a: $ref is not supported",
      ],
      [{ type: "object", properties: { a: { type: "date" } } }, 'the schema.a: the type "date"'],
      [{ type: "array", items: {} }, "the schema[] has no type"],
      [{ type: "string", pattern: "a+" }, "the schema: pattern is not supported"],
      ["string", "the schema is no object"],
    ];
    for (const [schema, message] of refused) {
      expect(() => schemaOf(schema)).toThrow(SchemaError);
      expect(() => schemaOf(schema)).toThrow(message);
    }
  });
});
