// LiteLLM's body field `guardrails`: which guardrails the caller adds to a call. Pure, runs on any thread.
// A field that cannot be read must be refused, never passed over: the caller counts on being guarded.

import { asObject } from "./loose-json.ts";

/**
 * The names in `["a"]`, `[{"a":{"extra_body":{}}}]`, `{"a":{"extra_body":{}}}` or a mixture, each once;
 * null names none; undefined when the field has another shape.
 */
export function readGuardrailNames(field: unknown): string[] | undefined {
  const choices = readGuardrailChoices(field);
  return choices === undefined ? undefined : [...choices.keys()];
}

/** The same names, each with its `extra_body`. */
export function readGuardrailChoices(
  field: unknown,
): Map<string, Readonly<Record<string, unknown>>> | undefined {
  const choices = new Map<string, Readonly<Record<string, unknown>>>();
  if (field === null) return choices;
  for (const entry of Array.isArray(field) ? (field as unknown[]) : [field]) {
    if (typeof entry === "string" && Array.isArray(field)) {
      if (!choices.has(entry)) choices.set(entry, {});
      continue;
    }
    const named = asObject(entry);
    if (named === undefined) return undefined;
    for (const [name, options] of Object.entries(named)) {
      choices.set(name, asObject(asObject(options)?.["extra_body"]) ?? choices.get(name) ?? {});
    }
  }
  return choices;
}
