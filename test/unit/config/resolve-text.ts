// Resolves the text of a file for tests: as it would be found at /etc/everyspan/everyspan.yaml,
// with the process started in /srv.

import { resolveConfig } from "../../../src/config/resolve-config.ts";
import type { Resolved, Sources } from "../../../src/config/resolve-config.ts";
import type { Config } from "../../../src/config/schema.ts";
import { parseYamlDocument } from "../../../src/config/yaml-document.ts";

export function resolveText(text: string, changes: Partial<Sources> = {}): Resolved {
  const parsed = parseYamlDocument(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return resolveConfig({
    document: parsed.document,
    directories: { file: "/etc/everyspan", working: "/srv" },
    environment: {},
    overrides: {},
    cores: 4,
    fileExists: () => true,
    ...changes,
  });
}

export function configOf(text: string, changes: Partial<Sources> = {}): Config {
  const resolved = resolveText(text, changes);
  if (!resolved.ok) throw new Error(resolved.problems.join("\n"));
  return resolved.config;
}

export function problemsOf(text: string, changes: Partial<Sources> = {}): readonly string[] {
  const resolved = resolveText(text, changes);
  return resolved.ok ? [] : resolved.problems;
}

export function warningsOf(text: string, changes: Partial<Sources> = {}): readonly string[] {
  const resolved = resolveText(text, changes);
  if (!resolved.ok) throw new Error(resolved.problems.join("\n"));
  return resolved.warnings;
}
