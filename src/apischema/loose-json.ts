// Looks at parsed JSON of unknown shape without trusting it. Pure, runs on any thread.

export type LooseObject = Readonly<Record<string, unknown>>;

export function asObject(value: unknown): LooseObject | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value as LooseObject;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

export function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** The object that `json` spells; undefined when it is anything else, or not JSON. */
export function parseLooseObject(json: string): LooseObject | undefined {
  try {
    return asObject(JSON.parse(json));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
