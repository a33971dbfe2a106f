// What one destination gets of a stored call: its dialect, its cut of the root's parent, its limit of values,
// in this order. Pure and deterministic: the same stored call gives the same bytes, today and after a restart.

import type { DestinationConfig } from "../../../config/schema.ts";
import { limitAttributes } from "./attribute-limit.ts";
import { cutRootParent } from "./cut-parent.ts";
import type { CallTranslation, Dialect } from "./dialect.ts";
import { appendAttributes } from "./dialect-attributes.ts";
import { genaiDialect } from "./genai.ts";
import { unsetRecoveredAttempts } from "./recovered-attempts.ts";

export function callTranslation(
  dialect: Dialect,
  { cutParent, attributeLimit }: Pick<DestinationConfig, "cutParent" | "attributeLimit">,
): CallTranslation {
  const steps: CallTranslation[] = [];
  if (cutParent) steps.push(cutRootParent);
  if (dialect.unsetsRecoveredAttempts) steps.push(unsetRecoveredAttempts);
  if (dialect !== genaiDialect) steps.push(appendAttributes(dialect));
  if (attributeLimit !== undefined) steps.push(limitAttributes(attributeLimit));
  return (spans) => {
    let translated = spans;
    for (const step of steps) translated = step(translated);
    return translated;
  };
}
