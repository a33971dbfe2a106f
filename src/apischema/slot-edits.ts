// Between a document's text slots and what a guardrail sees and rewrites of them. Pure, runs on any thread.

import { decodeEscapes } from "./json-escapes.ts";
import type { JsonEdit, JsonPath } from "./json-edit.ts";
import { createStringQuotes, writtenAsJson } from "./json-mask.ts";
import { asArray, asObject } from "./loose-json.ts";
import { alignMask } from "./mask-alignment.ts";
import type { TextSlot } from "./text-slots.ts";

/** What to show of each slot: its text, or under `json` that with the escapes undone. */
export function slotTexts(slots: readonly TextSlot[]): string[] {
  return slots.map(({ raw, kind }) => (kind === "json" ? decodeEscapes(raw).text : raw));
}

/** The edits that put `masked` in place of what {@link slotTexts} showed: one per changed string, no other. */
export function slotEdits(slots: readonly TextSlot[], masked: readonly string[]): JsonEdit[] {
  const shown = slotTexts(slots);
  return slots.flatMap((slot, at) => {
    const text = masked[at] ?? shown[at] ?? "";
    if (text === shown[at]) return [];
    return [{ path: slot.path, value: slot.kind === "json" ? rewriteJson(slot.raw, text) : text }];
  });
}

/**
 * The edits that take log probabilities from every choice that `edits` touch: they spell out, token by
 * token, the text that was masked.
 */
export function logprobEdits(document: unknown, edits: readonly JsonEdit[]): JsonEdit[] {
  const choices = new Set<number>();
  for (const { path } of edits) {
    const [top, index] = path;
    if (top === "choices" && typeof index === "number") choices.add(index);
  }
  return [...choices].flatMap((index) => {
    const choice = asObject(asArray(asObject(document)?.["choices"])[index]);
    const path: JsonPath = ["choices", index, "logprobs"];
    return asObject(choice?.["logprobs"]) === undefined ? [] : [{ path, value: null }];
  });
}

function rewriteJson(raw: string, masked: string): string {
  const decoded = decodeEscapes(raw);
  const { text, offsets } = decoded;
  const quotes = createStringQuotes();
  quotes.add(raw, decoded, 0);
  const slice = (start: number, end: number): string => text.slice(start, end);
  const place = (at: number): number => offsets?.[at] ?? at;
  let out = "";
  let at = 0;
  for (const replacement of writtenAsJson(alignMask(text, masked), { quotes, slice })) {
    out += raw.slice(at, place(replacement.start)) + replacement.text;
    at = place(replacement.end);
  }
  return out + raw.slice(at);
}
