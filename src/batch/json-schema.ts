// A JSON schema as a valibot schema: the part of JSON Schema that structured outputs take. Pure.
// What would be silently let through is refused instead.

import * as v from "valibot";
import { asArray, asObject, isText, type LooseObject } from "../apischema/loose-json.ts";

/** The schema uses something that cannot be checked. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
}

type Check = v.GenericSchema<unknown>;

const annotations = ["title", "description", "default", "examples", "$schema", "$id", "$comment"];

const known: ReadonlySet<string> = new Set([
  ...annotations,
  "type",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "enum",
  "const",
  "anyOf",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
]);

/** @throws SchemaError with the place and what is wrong there */
export function schemaOf(schema: unknown, place = "the schema"): Check {
  const node = asObject(schema);
  if (node === undefined) throw new SchemaError(`${place} is no object`);
  const strange = Object.keys(node).find((key) => !known.has(key));
  if (strange !== undefined) throw new SchemaError(`${place}: ${strange} is not supported`);
  if (Object.hasOwn(node, "const")) return oneOf([node["const"]]);
  if (Array.isArray(node["enum"])) return oneOf(node["enum"] as unknown[]);
  const anyOf = asArray(node["anyOf"]);
  if (anyOf.length > 0) {
    return v.union(anyOf.map((each, at) => schemaOf(each, `${place}.anyOf[${at}]`)));
  }
  const { type } = node;
  const types = isText(type) ? [type] : asArray(type).filter(isText);
  if (types.length === 0) throw new SchemaError(`${place} has no type`);
  const checks = types.map((each) => checkOf(each, node, place));
  return checks.length === 1 ? (checks[0] as Check) : v.union(checks);
}

/** What is wrong with a value, in words for the model that made it; undefined when nothing is. */
export function problemOf(check: Check, value: unknown): string | undefined {
  const parsed = v.safeParse(check, value);
  if (parsed.success) return undefined;
  const [issue] = parsed.issues;
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}

function checkOf(type: string, node: LooseObject, place: string): Check {
  switch (type) {
    case "object":
      return objectOf(node, place);
    case "array":
      return v.pipe(
        v.array(node["items"] === undefined ? v.unknown() : schemaOf(node["items"], `${place}[]`)),
        v.minLength(numberOf(node["minItems"], 0)),
        v.maxLength(numberOf(node["maxItems"], Infinity)),
      );
    case "string":
      return v.pipe(
        v.string(),
        v.minLength(numberOf(node["minLength"], 0)),
        v.maxLength(numberOf(node["maxLength"], Infinity)),
      );
    case "integer":
      return v.pipe(bounded(node), v.integer());
    case "number":
      return bounded(node);
    case "boolean":
      return v.boolean();
    case "null":
      return v.null();
    default:
      throw new SchemaError(`${place}: the type ${JSON.stringify(type)} is not supported`);
  }
}

function bounded(node: LooseObject): v.GenericSchema<number> {
  return v.pipe(
    v.number(),
    v.minValue(numberOf(node["minimum"], -Infinity)),
    v.maxValue(numberOf(node["maximum"], Infinity)),
  );
}

function objectOf(node: LooseObject, place: string): Check {
  const properties = asObject(node["properties"]) ?? {};
  const required = new Set(asArray(node["required"]).filter(isText));
  const entries: Record<string, Check> = {};
  for (const [name, property] of Object.entries(properties)) {
    const check = schemaOf(property, `${place}.${name}`);
    entries[name] = required.has(name) ? check : v.optional(check);
  }
  for (const name of required) entries[name] ??= v.unknown();
  return node["additionalProperties"] === false ? v.strictObject(entries) : v.looseObject(entries);
}

function oneOf(values: readonly unknown[]): Check {
  const spelled = new Set(values.map((value) => JSON.stringify(value)));
  const message = `must be one of ${[...spelled].slice(0, 50).join(", ")}`;
  return v.custom((value) => spelled.has(JSON.stringify(value)), message);
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
