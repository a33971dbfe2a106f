// Puts what guardrails made of a body back into it: exactly the strings that changed, all else byte for
// byte. Pure, runs on any thread.

import { spliceJson } from "./json-splice.ts";
import type { JsonEdit, JsonPath, JsonValue } from "./json-edit.ts";
import { asArray, asObject } from "./loose-json.ts";
import type { RequestContent } from "./request-content.ts";
import { logprobEdits, slotEdits } from "./slot-edits.ts";
import type { DocumentTexts, TextSlot } from "./text-slots.ts";

export interface Rewritten {
  readonly texts: readonly string[];
  readonly images: readonly string[];
  /** Where they were replaced, in OpenAI's shape, as {@link RequestContent} shows them. */
  readonly tools?: readonly unknown[];
}

/** `body` is the text that `content` was read from. */
export function rewriteRequest(
  body: string,
  content: RequestContent,
  rewritten: Rewritten,
): string {
  const toolEdits = changedTools(body, content, rewritten.tools);
  const withTools = spliceJson(body, toolEdits);
  const edits = contentEdits(content, rewritten);
  // A tool that was replaced whole no longer has the texts that were masked in it.
  const document: unknown = toolEdits.length === 0 ? undefined : JSON.parse(withTools);
  const fitting = edits.filter(
    ({ path }) =>
      toolEdits.length === 0 || path[0] !== "tools" || isSlot(content.slots, path, document),
  );
  return spliceJson(withTools, fitting);
}

/** `body` is the text that `content` was read from; log probabilities of what was masked go too. */
export function rewriteReply(body: string, content: DocumentTexts, rewritten: Rewritten): string {
  const edits = contentEdits(content, rewritten);
  if (edits.length === 0) return body;
  return spliceJson(body, [...edits, ...logprobEdits(JSON.parse(body), edits)]);
}

function contentEdits({ slots, images }: DocumentTexts, rewritten: Rewritten): JsonEdit[] {
  const imageEdits = images.flatMap(({ path, image }, at) => {
    const value = rewritten.images[at] ?? image;
    return value === image ? [] : [{ path, value }];
  });
  return [...slotEdits(slots, rewritten.texts), ...imageEdits];
}

function changedTools(
  body: string,
  { tools }: RequestContent,
  rewritten: readonly unknown[] | undefined,
): JsonEdit[] {
  if (rewritten === undefined) return [];
  const own = asArray(asObject(JSON.parse(body))?.["tools"]);
  return tools.flatMap((tool, at): JsonEdit[] => {
    const next = rewritten[at];
    if (next === undefined || JSON.stringify(next) === JSON.stringify(tool)) return [];
    if (asObject(own[at])?.["input_schema"] === undefined) {
      return [{ path: ["tools", at], value: next as JsonValue }];
    }
    const { name, description, parameters } = asObject(asObject(next)?.["function"]) ?? {};
    const fields = { name, description, input_schema: parameters };
    return Object.entries(fields).flatMap(([key, value]) =>
      value === undefined ? [] : [{ path: ["tools", at, key], value: value as JsonValue }],
    );
  });
}

/** Whether the document still has the slot's own string at the path. */
function isSlot(slots: readonly TextSlot[], path: JsonPath, document: unknown): boolean {
  let value = document;
  for (const step of path) value = (value as Record<string | number, unknown> | null)?.[step];
  return (
    typeof value === "string" && slots.some((slot) => slot.path === path && slot.raw === value)
  );
}
