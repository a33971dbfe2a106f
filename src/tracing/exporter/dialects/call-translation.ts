// What one destination gets of a stored call: its dialect, its cut of the root's parent, its limit of values,
// in this order. Pure and deterministic: the same stored call gives the same bytes, today and after a restart.

import type { DestinationConfig } from "../../../config/schema.ts";
import { createByteWriter, toBytes } from "../byte-writer.ts";
import { limitAttributes } from "./attribute-limit.ts";
import { cutRootParent } from "./cut-parent.ts";
import type { CallRewrite, CallTranslation, Dialect } from "./dialect.ts";
import { appendAttributes } from "./dialect-attributes.ts";
import { genaiDialect } from "./genai.ts";
import { unsetRecoveredAttempts } from "./recovered-attempts.ts";

export function callTranslation(
  dialect: Dialect,
  { cutParent, attributeLimit }: Pick<DestinationConfig, "cutParent" | "attributeLimit">,
): CallTranslation {
  const rewrites: CallRewrite[] = [];
  if (cutParent) rewrites.push(cutRootParent);
  if (dialect.unsetsRecoveredAttempts) rewrites.push(unsetRecoveredAttempts);
  const append: CallTranslation =
    dialect === genaiDialect ? (spans, out) => out.put(spans) : appendAttributes(dialect);
  const translate: CallTranslation =
    rewrites.length === 0
      ? append
      : (spans, out) => append(rewritten(toBytes(spans), rewrites), out);
  if (attributeLimit === undefined) return translate;
  const limit = limitAttributes(attributeLimit);
  const whole = createByteWriter();
  return (spans, out) => {
    whole.clear();
    translate(spans, whole);
    out.put(limit(whole.bytes()));
  };
}

function rewritten(spans: Uint8Array, rewrites: readonly CallRewrite[]): Uint8Array {
  let bytes = spans;
  for (const rewrite of rewrites) bytes = rewrite(bytes);
  return bytes;
}
