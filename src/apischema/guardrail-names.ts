// LiteLLM's body field `guardrails`: which guardrails the caller adds to a call. Pure, runs on any thread.
// A field that cannot be read must be refused, never passed over: the caller counts on being guarded.

/**
 * The names in `["a"]`, `[{"a":{"extra_body":{}}}]`, `{"a":{"extra_body":{}}}` or a mixture, each once;
 * null names none; undefined when the field has another shape.
 */
export function readGuardrailNames(field: unknown): string[] | undefined {
  if (field === null) return [];
  const names = new Set<string>();
  for (const entry of Array.isArray(field) ? (field as unknown[]) : [field]) {
    if (typeof entry === "string" && Array.isArray(field)) names.add(entry);
    else if (typeof entry === "object" && entry !== null && !Array.isArray(entry)) {
      for (const name of Object.keys(entry)) names.add(name);
    } else return undefined;
  }
  return [...names];
}
