// What is wrong with a configuration, as lines for a person. Pure; runs anywhere.
// A value that came from the environment, a key or a header is never repeated in a line.

import type * as v from "valibot";

export interface Problem {
  /** Where in the file, as `formatPath` writes it; empty: the file as a whole. */
  readonly path: string;
  /** What is wrong and what is allowed. */
  readonly message: string;
}

export type PathKey = string | number;

/** `models[0].name`, `providers["my own"].timeout`. */
export function formatPath(keys: readonly PathKey[]): string {
  let path = "";
  for (const key of keys) {
    if (typeof key === "number") path += `[${key}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(key)) path += path === "" ? key : `.${key}`;
    else path += `[${JSON.stringify(shorten(key))}]`;
  }
  return path;
}

/** A long key may be a secret in the wrong place, so only its start is shown. */
function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 6)}…` : text;
}

export function formatProblem(problem: Problem): string {
  return problem.path === "" ? problem.message : `${problem.path}: ${problem.message}`;
}

/**
 * One problem per issue. `templates` has, by path, the text of values before `${…}` was
 * filled in: that is what a line shows of them.
 */
export function problemsOfIssues(
  issues: readonly v.BaseIssue<unknown>[],
  templates: ReadonlyMap<string, string>,
): Problem[] {
  return issues.map((issue) => {
    const path = formatPath((issue.path ?? []).map((item) => item.key as PathKey));
    return { path, message: describe(issue, templates.get(path)) };
  });
}

function describe(issue: v.BaseIssue<unknown>, template: string | undefined): string {
  if (issue.input === undefined) return `is missing; it ${issue.message}`;
  // Only our own leaves say what may be shown (value-schemas.ts): valibot would quote secrets.
  const shown = issue.type === "raw_transform" ? issue.received : "";
  if (shown === "" || shown === null) return issue.message;
  return `${issue.message} (got ${template === undefined ? shown : JSON.stringify(template)})`;
}
