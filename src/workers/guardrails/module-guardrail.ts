// A guardrail that is the user's own TypeScript: `export default { async check(input, { signal }) }`.
// Worker threads. What it throws or returns is judged here: it is somebody else's code.

import type { Guardrail, GuardrailInput, Verdict } from "./guardrail.ts";

type Check = (input: GuardrailInput, options: { readonly signal: AbortSignal }) => unknown;

/** So many places are remembered as said. */
const placesMax = 100;

/**
 * `loaded` is the module, imported once; it failing is the same as every check failing. `sayThrown` is told,
 * once for each, what kind of thing is thrown and where: its message may quote a text.
 */
export function createModuleGuardrail(
  loaded: Promise<unknown>,
  sayThrown: (what: string) => void,
): Guardrail {
  const said = new Set<string>();
  // Seen by every check; unhandled it would take the thread down.
  loaded.catch(() => undefined);
  return async (input, options) => {
    let check: Check;
    try {
      check = checkOf(await loaded);
    } catch {
      return { action: "failed", cause: "error", message: "the module does not load" };
    }
    try {
      return readVerdict(await check(withOwnLists(input), options), input.texts.length);
    } catch (error) {
      if (options.signal.aborted) throw error;
      const name = error instanceof Error ? error.name : typeof error;
      const what = `${name}${placeOf(error)}`;
      if (!said.has(what) && said.size < placesMax) {
        said.add(what);
        sayThrown(what);
      }
      return { action: "failed", cause: "error", message: `the module threw (${name})` };
    }
  };
}

/** The file and line of the innermost frame. */
function placeOf(error: unknown): string {
  const stack = error instanceof Error ? String(error.stack) : "";
  const place = /^\s*at .*?([^/\\\s()]+:\d+:\d+)\)?$/m.exec(stack)?.[1];
  return place === undefined ? "" : ` at ${place}`;
}

function checkOf(loaded: unknown): Check {
  const exported = (loaded as { default?: unknown } | null)?.default;
  const check = (exported as { check?: unknown } | null | undefined)?.check;
  if (typeof check !== "function") throw new Error("no check");
  // Bound: a module may keep its state beside its check.
  return (check as Check).bind(exported);
}

/** A module may empty or sort what it is handed: that must be no rewrite, and hide nothing from the next. */
function withOwnLists(input: GuardrailInput): GuardrailInput {
  const { texts, images, tools, toolCalls, messages, headers } = input;
  return {
    ...input,
    texts: [...texts],
    images: [...images],
    tools: [...tools],
    toolCalls: [...toolCalls],
    messages: [...messages],
    headers: [...headers],
  };
}

function readVerdict(returned: unknown, count: number): Verdict {
  const { action, reason, category, texts, masked } = (returned ?? {}) as Record<string, unknown>;
  switch (action) {
    case "allow":
      return { action };
    case "block":
      return {
        action,
        reason: typeof reason === "string" && reason !== "" ? reason : "not allowed",
        category: typeof category === "string" && category !== "" ? category : "policy",
      };
    case "mask":
      if (!isTexts(texts) || texts.length !== count) {
        return failed("the module returned a mask of another length than the texts");
      }
      return { action, texts, ...(isCounts(masked) && { masked }) };
    default:
      return failed("the module returned no verdict");
  }
}

function failed(message: string): Verdict {
  return { action: "failed", cause: "error", message };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

function isCounts(value: unknown): value is Record<string, number> {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((count) => Number.isSafeInteger(count) && (count as number) >= 0)
  );
}
