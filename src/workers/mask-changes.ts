// What a mask changes of what its guardrail was shown. Worker threads. Pure. A mask that changes nothing is
// none: many a server hands every text back as its rewrite.

import type { GuardrailInput, Verdict } from "./guardrails/guardrail.ts";

type Mask = Extract<Verdict, { action: "mask" }>;

/** How many texts, images and tools are no longer what was shown; kinds that are have no entry. */
export function maskChanges(
  mask: Mask,
  shown: Pick<GuardrailInput, "texts" | "images" | "tools">,
): Record<string, number> {
  const counts = {
    text: mask.texts.filter((text, at) => text !== shown.texts[at]).length,
    image: mask.images?.filter((image, at) => image !== shown.images[at]).length,
    tool: mask.tools?.filter((tool, at) => asJson(tool) !== asJson(shown.tools[at])).length,
  };
  return Object.fromEntries(
    Object.entries(counts).flatMap(([kind, count = 0]) => (count > 0 ? [[kind, count]] : [])),
  );
}

function asJson(value: unknown): string | undefined {
  return JSON.stringify(value);
}
