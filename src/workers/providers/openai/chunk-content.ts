// Tells whether a chunk of an OpenAI-format stream carries generated content. Worker thread. Pure.

import { asArray, asObject, mayHaveText, mayHaveValue, type JsonObject } from "../json-probe.ts";

/** Text as most chunks carry it: found without a parse. Quoted, as {@link mayHaveText} wants them. */
const textKeys = ['"content"', '"arguments"', '"reasoning_content"'] as const;
/** Everything else a choice may hold, by whatever server. */
const otherKeys = [
  '"tool_calls"',
  '"function_call"',
  '"reasoning"',
  '"refusal"',
  '"audio"',
  '"images"',
  '"text"',
] as const;
const deltaKeys = [...textKeys, ...otherKeys].map((key) => key.slice(1, -1));

/** Yes, no, or "unsure" where only the parsed chunk can tell. */
export function probeContent(data: string): boolean | "unsure" {
  for (const key of textKeys) if (mayHaveText(data, key)) return true;
  for (const key of otherKeys) if (mayHaveValue(data, key)) return "unsure";
  return false;
}

/** Whether a choice's delta (or, in a legacy completion, its text) holds anything but a role. */
export function hasContent(chunk: JsonObject): boolean {
  return asArray(chunk["choices"]).some((choice) => {
    const fields = asObject(choice) ?? {};
    const delta = asObject(fields["delta"]) ?? fields;
    return deltaKeys.some((key) => isFilled(delta[key]));
  });
}

function isFilled(value: unknown): boolean {
  if (typeof value === "string" || Array.isArray(value)) return value.length > 0;
  return asObject(value) !== undefined;
}
