// A mapping whose keys are all known. Pure; runs anywhere.
// Valibot's own strict object stops at the first unknown key, and we report all of them.

import * as v from "valibot";
import { nearestName } from "./nearest-name.ts";

export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As `v.object`, with an issue for each unknown key; a missing key is judged by its schema. */
export function closedObject<Entries extends v.ObjectEntries>(
  entries: Entries,
): v.ObjectSchema<Entries, string> {
  const inner = v.object(entries, "must be a mapping of keys to values");
  const known = Object.keys(entries);
  const absent = Object.fromEntries(known.map((key) => [key, undefined]));
  const run = (
    dataset: v.UnknownDataset,
    config: v.Config<v.BaseIssue<unknown>>,
  ): ReturnType<(typeof inner)["~run"]> => {
    const input = dataset.value;
    if (!isMapping(input))
      return inner["~run"]({ value: input === undefined ? input : null }, config);
    const result = inner["~run"]({ value: { ...absent, ...input } }, config);
    for (const key of Object.keys(input)) {
      if (known.includes(key)) continue;
      v._addIssue(inner, "key", result, config, {
        input: key,
        message: unknownKey(key, known),
        path: [{ type: "object", origin: "key", input, key: hideSecret(key), value: input[key] }],
      });
    }
    return result;
  };
  return { ...inner, "~run": run };
}

/** A key with a digit is none of ours and may be a secret in the wrong place. */
function hideSecret(key: string): string {
  return /\d/.test(key) || key.length > 40 ? `${key.slice(0, 4)}…` : key;
}

function unknownKey(key: string, known: readonly string[]): string {
  const nearest = nearestName(key, known);
  if (nearest !== undefined) return `unknown key; did you mean ${nearest}?`;
  return `unknown key; known here: ${known.join(", ")}`;
}
