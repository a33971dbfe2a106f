// docs/configuration.md: every key there is one that the configuration knows, and every default is the one it has.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { resolveConfig } from "../../src/config/resolve-config.ts";
import { defaults } from "../../src/config/schema.ts";

const page = readFileSync(resolve(import.meta.dir, "../../docs/configuration.md"), "utf8");

/** The keys of the first table behind a text, each with what stands in its column `default`. */
function tableAfter(text: string): { key: string; written: string | undefined }[] {
  const at = page.indexOf(text);
  if (at < 0) throw new Error(`the page has no ${text}`);
  const [table = ""] = /(?:^\|.*\n)+/m.exec(page.slice(at + text.length)) ?? [];
  const [head = "", , ...lines] = table.trimEnd().split("\n");
  const hasDefaults = head.includes("default");
  return lines.map((line) => {
    const [key = "", written = ""] = line.replace(/^\| /, "").split(" | ");
    const value = /^`([^`]+)`$/.exec(written)?.[1];
    return { key: key.replaceAll("`", ""), written: hasDefaults ? value : undefined };
  });
}

type Place = (keys: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
const guardrail = (keys: object): object => ({ name: "g", modes: ["pre_call"], ...keys });

const tables: readonly (readonly [string, Readonly<Record<string, unknown>>, Place])[] = [
  ["## `server`", defaults.server, (keys) => ({ server: keys })],
  ["## `pool`", defaults.pool, (keys) => ({ pool: keys })],
  ["## `providers`", defaults.provider, (keys) => ({ providers: { openai: keys } })],
  ["## `models`", {}, (keys) => ({ models: [keys] })],
  [
    "## `guardrails`",
    without(defaults.guardrail, "action"),
    (keys) => ({ guardrails: [guardrail({ type: "pattern", ...keys })] }),
  ],
  [
    "`generic_api` (",
    {},
    (keys) => ({ guardrails: [guardrail({ type: "generic_api", ...keys })] }),
  ],
  [
    "`pattern`:",
    { action: defaults.guardrail.action },
    (keys) => ({ guardrails: [guardrail({ type: "pattern", ...keys })] }),
  ],
  ["## `tracing`", defaults.tracing, (keys) => ({ tracing: keys })],
  ["`sampler` (", defaults.sampler, (keys) => ({ tracing: { sampler: keys } })],
  ["`ledger`:", defaults.ledger, (keys) => ({ tracing: { ledger: keys } })],
  [
    "`destinations`, a list:",
    defaults.destination,
    (keys) => ({ tracing: { destinations: [keys] } }),
  ],
];

describe.each(tables)("the table after %s", (text, own, place) => {
  const rows = tableAfter(text);

  test("has every default, as it is", () => {
    const written = rows.filter((row) => row.written !== undefined && row.key in own);
    expect(Object.fromEntries(written.map((row) => [row.key, row.written]))).toEqual(
      Object.fromEntries(Object.entries(own).map(([key, value]) => [key, String(value)])),
    );
  });

  test("has no key that would be refused", () => {
    const document = place(Object.fromEntries(rows.map(({ key }) => [key, null])));
    const resolved = resolveConfig({
      document,
      directories: { file: "/", working: "/" },
      environment: {},
      overrides: {},
      cores: 1,
      fileExists: () => true,
    });
    const problems = resolved.ok ? [] : resolved.problems;
    expect(problems.filter((problem) => problem.includes("unknown key"))).toEqual([]);
  });
});

function without(mapping: Readonly<Record<string, unknown>>, key: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(mapping).filter(([name]) => name !== key));
}
