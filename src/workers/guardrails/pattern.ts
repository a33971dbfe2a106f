// The guardrail of named regular expressions: blocks, or masks each match with its pattern's name.
// Worker threads.

import { builtinPatternSet } from "./builtin-patterns.ts";
import type { Guardrail } from "./guardrail.ts";
import { createTurns, searchPatterns } from "./pattern-search.ts";
import type { Found, SearchedPattern, SearchPace } from "./pattern-search.ts";

export interface PatternSettings {
  readonly patterns: readonly { readonly name: string; readonly regex: string }[];
  readonly builtin: readonly string[];
  readonly action: "block" | "mask";
}

/** @throws SyntaxError for a pattern that is no regular expression */
export function createPatternGuardrail(
  settings: PatternSettings,
  pace: Omit<SearchPace, "signal">,
): Guardrail {
  const patterns = searchedPatterns(settings);
  return async ({ texts }, { signal }) => {
    const takeTurns = createTurns({ ...pace, signal });
    const names = new Set<string>();
    const masked: Record<string, number>[] = [];
    const rewritten: string[] = [];
    for (const text of texts) {
      const found = await searchPatterns(text, patterns, takeTurns);
      const counts: Record<string, number> = {};
      for (const { name } of found) {
        counts[name] = (counts[name] ?? 0) + 1;
        names.add(name);
      }
      masked.push(counts);
      rewritten.push(found.length === 0 ? text : maskText(text, found));
    }
    if (names.size === 0) return { action: "allow" };
    if (settings.action === "mask") return { action: "mask", texts: rewritten, masked };
    return {
      action: "block",
      reason: `matches ${[...names].join(", ")}`,
      category: [...names].join(","),
    };
  };
}

/** The length of the longest pattern that is plain text: a stream's release trails by no less. */
export function longestLiteral({ patterns }: Pick<PatternSettings, "patterns">): number {
  const literals = patterns.filter(({ regex }) => !/[\\^$.*+?()[\]{}|]/.test(regex));
  return Math.max(0, ...literals.map(({ regex }) => regex.length));
}

function searchedPatterns({ patterns, builtin }: PatternSettings): SearchedPattern[] {
  const own = patterns.map(({ name, regex }) => ({ name, regex: new RegExp(regex, "g") }));
  return [...own, ...builtin.flatMap((name) => builtinPatternSet(name) ?? [])];
}

function maskText(text: string, found: readonly Found[]): string {
  let out = "";
  let at = 0;
  for (const { name, start, end } of found) {
    out += `${text.slice(at, start)}[${name}]`;
    at = end;
  }
  return out + text.slice(at);
}
