// What every reply has to look like: one of some labels, or a schema of the user's own. Pure.

import { asObject, isText } from "../apischema/loose-json.ts";
import { problemOf, schemaOf } from "./json-schema.ts";

export interface AnswerShape {
  /** JSON Schema, as providers are sent it. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly check: (value: unknown) => string | undefined;
  /** The row's label: the property `label`, else the whole answer. */
  readonly labelOf: (value: unknown) => string;
}

/** What a reply's text came to. */
export type Answer =
  | { readonly ok: true; readonly label: string }
  | { readonly ok: false; readonly problem: string };

export function labelShape(labels: readonly string[]): AnswerShape {
  return schemaShape({
    type: "object",
    properties: { label: { type: "string", enum: labels } },
    required: ["label"],
    additionalProperties: false,
  });
}

/** @throws SchemaError when it cannot be checked */
export function schemaShape(schema: Readonly<Record<string, unknown>>): AnswerShape {
  const check = schemaOf(schema);
  return {
    schema,
    check: (value) => problemOf(check, value),
    labelOf(value) {
      const object = asObject(value);
      const label =
        object !== undefined && Object.hasOwn(object, "label") ? object["label"] : value;
      return isText(label) ? label : JSON.stringify(label);
    },
  };
}

/** Reads an answer; some models wrap JSON in a code fence. */
export function readAnswer(shape: AnswerShape, text: string): Answer {
  const bare = /^\s*```(?:json)?\s*([\s\S]*?)\s*```\s*$/.exec(text)?.[1] ?? text;
  let value: unknown;
  try {
    value = JSON.parse(bare);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { ok: false, problem: "the answer is no JSON" };
  }
  const problem = shape.check(value);
  return problem === undefined ? { ok: true, label: shape.labelOf(value) } : { ok: false, problem };
}
