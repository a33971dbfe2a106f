// What a mask changes of what its guardrail was shown, and how much it masks. Worker threads. Pure. A mask
// that changes nothing is none: many a server hands every text back as its rewrite.

import type { GuardrailInput, Verdict } from "./guardrails/guardrail.ts";

type Mask = Extract<Verdict, { action: "mask" }>;

export interface MaskedCount {
  readonly kind: string;
  readonly count: number;
  /** Which of the texts it was in; `new`: in what is shown only once; `all`: in all of them together. */
  readonly text: number | "new" | "all";
}

/** The texts, images and tools that are no longer what was shown. */
export function maskChanges(
  { texts, images = [], tools = [] }: Mask,
  shown: Pick<GuardrailInput, "texts" | "images" | "tools">,
): MaskedCount[] {
  const changed = texts.flatMap((text, at): MaskedCount[] =>
    text === shown.texts[at] ? [] : [{ kind: "text", count: 1, text: at }],
  );
  const others = {
    image: images.filter((image, at) => image !== shown.images[at]).length,
    tool: tools.filter((tool, at) => asJson(tool) !== asJson(shown.tools[at])).length,
  };
  for (const [kind, count] of Object.entries(others)) {
    if (count > 0) changed.push({ kind, count, text: "new" });
  }
  return changed;
}

/** What the guardrail says it masked, if it does; else what it changed. */
export function maskedCounts({ masked }: Mask, changed: readonly MaskedCount[]): MaskedCount[] {
  if (masked === undefined) return [...changed];
  const lists = Array.isArray(masked) ? masked : [masked];
  return lists.flatMap((counts: Readonly<Record<string, number>>, at) =>
    Object.entries(counts).map(([kind, count]) => ({
      kind,
      count,
      text: Array.isArray(masked) ? at : ("all" as const),
    })),
  );
}

function asJson(value: unknown): string | undefined {
  return JSON.stringify(value);
}
