// The text of a configuration file to a plain tree. Pure; runs anywhere.
// Nothing of the file's text is in a message: a broken line may hold a key.

import { formatPath } from "./problems.ts";
import type { PathKey } from "./problems.ts";

const depthMax = 32;
const nodesMax = 50_000;
const bisectCharsMax = 65_536;

export type YamlDocument =
  | { readonly ok: true; readonly document: unknown }
  | { readonly ok: false; readonly problem: string };

/** A tree that shares no part with itself and has no cycle; a key without a value is undefined. */
export function parseYamlDocument(text: string): YamlDocument {
  const duplicate = duplicateSection(text);
  if (duplicate !== undefined) {
    return fail(`has the section ${duplicate} twice; the first would be ignored`);
  }
  let parsed: unknown;
  try {
    parsed = Bun.YAML.parse(text);
  } catch (error) {
    return fail(describe(error, text));
  }
  if (parsed === null || parsed === undefined) return { ok: true, document: {} };
  if (typeof parsed !== "object" || Array.isArray(parsed)) {
    return fail("must be one YAML mapping of sections (server, providers, tracing, …)");
  }
  return copyTree(parsed);
}

function fail(problem: string): YamlDocument {
  return { ok: false, problem };
}

/** Aliases make a graph of what looks like a tree: walked with a bound on depth and number. */
function copyTree(root: unknown): YamlDocument {
  let nodes = 0;
  let problem: string | undefined;
  const copy = (value: unknown, keys: readonly PathKey[]): unknown => {
    if (typeof value !== "object" || value === null || problem !== undefined) return value;
    nodes += 1;
    if (keys.length > depthMax || nodes > nodesMax) {
      const place = keys.length > depthMax ? ` at ${formatPath(keys.slice(0, 4))}…` : "";
      problem = `is nested too deep or too large${place}; does an alias (*name) contain itself?`;
      return undefined;
    }
    if (Array.isArray(value)) return value.map((item, index) => copy(item, [...keys, index]));
    const entries = Object.entries(value).map(([key, item]) => {
      return [key, item === null ? undefined : copy(item, [...keys, key])] as const;
    });
    return Object.fromEntries(entries);
  };
  const document = copy(root, []);
  return problem === undefined ? { ok: true, document } : fail(problem);
}

/** YAML forbids it, the parser takes the last: a whole section would vanish without a word. */
function duplicateSection(text: string): string | undefined {
  const seen = new Set<string>();
  for (const [, key = ""] of text.matchAll(/^([A-Za-z_][\w-]*)[ \t]*:(?=\s|$)/gm)) {
    if (seen.has(key)) return key;
    seen.add(key);
  }
  return undefined;
}

function describe(error: unknown, text: string): string {
  if (error instanceof RangeError) return "is nested too deep";
  const reason = error instanceof Error ? error.message.replace(/^YAML Parse error: /, "") : "";
  const line = failingLine(text);
  const place = line === undefined ? "" : ` near line ${line}`;
  const hint = /\{[^}"']*:\s*\$\{/.test(text) ? '; inside { } write "${NAME}" in quotes' : "";
  return `is not valid YAML${place} (${reason.toLowerCase()})${hint}`;
}

/** The parser names no line: it is the one after the longest beginning that still parses. */
function failingLine(text: string): number | undefined {
  if (text.length > bisectCharsMax) return undefined;
  const lines = text.split("\n");
  for (let count = lines.length - 1; count >= 0; count--) {
    if (parses(lines.slice(0, count).join("\n"))) return count + 1;
  }
  return undefined;
}

function parses(text: string): boolean {
  try {
    Bun.YAML.parse(text);
    return true;
  } catch {
    return false;
  }
}
