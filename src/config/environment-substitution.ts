// `${NAME}` and `${NAME:-default}` in a configuration's values. Pure; runs anywhere.
// Filled in after the YAML is parsed, so that no value of a variable can become structure.

import { isMapping } from "./closed-object.ts";
import { variable } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { formatPath } from "./problems.ts";
import type { PathKey, Problem } from "./problems.ts";

export interface Substituted {
  readonly document: unknown;
  readonly problems: readonly Problem[];
  /** By path: the text, as it stands in the file, of each value that was filled in. */
  readonly templates: ReadonlyMap<string, string>;
}

// `$${` is a literal `${`; a default holds no `}` and no further `${`.
const reference = /\$\$\{|\$\{([A-Za-z_]\w*)(?::-((?:(?!\$\{)[^}])*))?\}|\$\{/g;

/**
 * Fills in the text values of a tree without cycles. A key whose value comes out empty is left
 * out, so that `${NAME:-}` means "if there is one". An unset (or empty) variable without a
 * default is a problem, at most one of each name and value.
 */
export function substituteEnvironment(tree: unknown, environment: Environment): Substituted {
  const problems: Problem[] = [];
  const templates = new Map<string, string>();

  const walk = (value: unknown, keys: readonly PathKey[]): unknown => {
    if (typeof value === "string") return fill(value, keys);
    if (Array.isArray(value)) return value.map((item, index) => walk(item, [...keys, index]));
    if (!isMapping(value)) return value;
    const entries = Object.entries(value).map(([key, item]) => {
      const filled = walk(item, [...keys, key]);
      return [key, filled, filled === "" && item !== ""] as const;
    });
    return Object.fromEntries(entries.filter(([, , emptied]) => !emptied));
  };

  const fill = (text: string, keys: readonly PathKey[]): string => {
    if (!text.includes("${")) return text;
    const path = formatPath(keys);
    templates.set(path, text);
    const missing = new Set<string>();
    let malformed = false;
    const filled = text.replace(reference, (whole, name?: string, fallback?: string) => {
      if (whole === "$${") return "${";
      if (name === undefined) malformed = true;
      else {
        const value = variable(environment, name) ?? fallback;
        if (value !== undefined) return value;
        missing.add(name);
      }
      return "";
    });
    for (const name of missing) {
      const message = `the environment variable ${name} is not set; set it, or write \${${name}:-default}`;
      problems.push({ path, message });
    }
    if (malformed) {
      const message =
        "has a ${ that is no variable; write ${NAME}, ${NAME:-default}, or $${ for a plain ${";
      problems.push({ path, message });
    }
    return filled;
  };

  return { document: walk(tree, []), problems, templates };
}
