// Tells from the text of a small JSON object whether it is worth parsing. Worker thread, once per frame
// of every stream. A probe may say yes wrongly (a parse is then the judge), and says no wrongly only for
// a key spelled with escapes, which no provider sends. Inside a JSON string a quote always follows a
// backslash, so a quoted key that ends in a bare quote is never part of generated text alone.

import { skipSpace } from "../../apischema/json-scan.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether `"key":` occurs with a value other than null. `quotedKey` includes its quotes. */
export function mayHaveValue(json: string, quotedKey: string): boolean {
  let at = valueAfter(json, quotedKey, 0);
  while (at !== -1) {
    if (!json.startsWith("null", at)) return true;
    at = valueAfter(json, quotedKey, at);
  }
  return false;
}

/** Whether `"key":` occurs with a string that is not empty. */
export function mayHaveText(json: string, quotedKey: string): boolean {
  let at = valueAfter(json, quotedKey, 0);
  while (at !== -1) {
    if (json.charCodeAt(at) === 34 && json.charCodeAt(at + 1) !== 34) return true;
    at = valueAfter(json, quotedKey, at);
  }
  return false;
}

/** Where the value after the next `"key":` begins, or -1. */
export function valueAfter(json: string, quotedKey: string, from: number): number {
  let key = json.indexOf(quotedKey, from);
  while (key !== -1) {
    const colon = skipSpace(json, key + quotedKey.length);
    if (json.charCodeAt(colon) === 58) return skipSpace(json, colon + 1);
    key = json.indexOf(quotedKey, colon);
  }
  return -1;
}

/** The object that `json` spells; undefined when it is anything else, or not JSON. */
export function parseObject(json: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(json));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function asObject(value: unknown): JsonObject | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value as JsonObject;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/** A string that says something. */
export function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Longer is no id, model or reason, but content, or a mistake. */
const nameCharsMax = 256;

/** A string that names something, for a span: cut where no name is that long. */
export function asName(value: unknown): string | undefined {
  return asText(value)?.slice(0, nameCharsMax);
}

/** A count of tokens: a whole number that adds up exactly, whatever the provider says. */
export function asCount(value: unknown): number | undefined {
  if (typeof value !== "number" || !(value >= 0) || value === Infinity) return undefined;
  return Math.min(Math.round(value), Number.MAX_SAFE_INTEGER);
}
