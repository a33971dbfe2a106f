// The linter refuses what the tree's folders forbid: tried with the real linter on a tree of its own.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import packageJson from "../../package.json";

const repository = resolve(import.meta.dir, "../..");

/** Each file's only import, and whether the linter is to take it. */
const imports: readonly [file: string, specifier: string, verdict: "taken" | "refused"][] = [
  ["src/server/to-protocol.ts", "../protocol/x.ts", "taken"],
  ["src/server/to-entrypoints.ts", "../entrypoints.ts", "taken"],
  ["src/server/to-workers.ts", "../workers/x.ts", "refused"],
  ["src/server/to-exporter.ts", "../tracing/exporter/x.ts", "refused"],
  ["src/workers/to-recorder.ts", "../tracing/recorder/x.ts", "taken"],
  ["src/workers/to-server.ts", "../server/x.ts", "refused"],
  ["src/workers/providers/anthropic/to-seam.ts", "../provider.ts", "taken"],
  ["src/workers/providers/anthropic/to-sibling.ts", "../openai/x.ts", "refused"],
  ["src/workers/providers/anthropic/to-tracer.ts", "../../../tracing/recorder/x.ts", "refused"],
  ["src/workers/guardrails/to-config.ts", "../../config/schema.ts", "refused"],
  ["src/tracing/exporter/to-workers.ts", "../../workers/x.ts", "refused"],
  ["src/tracing/recorder/to-exporter.ts", "../exporter/x.ts", "refused"],
  ["src/protocol/to-recorder.ts", "../tracing/recorder/x.ts", "refused"],
  ["src/errors/to-protocol.ts", "../protocol/x.ts", "refused"],
  ["src/commands/to-server.ts", "../server/x.ts", "taken"],
  ["src/batch/to-pool.ts", "../server/worker-pool.ts", "taken"],
  ["src/batch/to-app.ts", "../server/app.ts", "refused"],
  ["src/batch/to-ledger.ts", "../tracing/exporter/x.ts", "refused"],
  ["src/server/to-batch.ts", "../batch/x.ts", "refused"],
  ["src/newcomer/to-errors.ts", "../errors/x.ts", "refused"],
  ["src/server/to-elysia.ts", "elysia", "taken"],
  ["src/workers/to-elysia.ts", "elysia", "refused"],
  ["src/server/worker-pool.ts", "piscina", "taken"],
  ["src/server/to-piscina.ts", "piscina", "refused"],
  ["src/server/to-threads.ts", "node:worker_threads", "refused"],
  ["src/server/to-sqlite.ts", "bun:sqlite", "refused"],
  ["src/tracing/exporter/to-sqlite.ts", "bun:sqlite", "taken"],
  ["src/workers/to-valibot.ts", "valibot", "refused"],
  ["src/config/to-valibot.ts", "valibot", "taken"],
  ["src/errors/to-unknown-package.ts", "left-pad", "refused"],
  ["src/server/to-scripts.ts", "../../scripts/x.ts", "refused"],
];

const forms: Readonly<Record<string, (specifier: string) => string>> = {
  import: (specifier) => `import * as it from "${specifier}";\nexport const user = it;\n`,
  "type import": (specifier) => `import type { It } from "${specifier}";\nexport type User = It;\n`,
  "re-export": (specifier) => `export { it } from "${specifier}";\n`,
  "dynamic import": (specifier) => `export const user = () => import("${specifier}");\n`,
};

let tree = "";

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "everyspan-lint-"));
  cpSync(join(repository, "scripts/lint"), join(tree, "scripts/lint"), { recursive: true });
  // Only the rule under test: no types, and none of the rules that such stubs break.
  const config = {
    jsPlugins: ["./scripts/lint/import-directions.js"],
    categories: { correctness: "off" },
    rules: { "everyspan/import-directions": "error" },
  };
  writeFileSync(join(tree, ".oxlintrc.json"), JSON.stringify(config));
});

afterAll(() => rmSync(tree, { recursive: true, force: true }));

describe("an import across threads is refused", () => {
  test.each(Object.keys(forms))("as %s", (form) => {
    rmSync(join(tree, "src"), { recursive: true, force: true });
    for (const [file, specifier] of imports) {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      writeFileSync(join(tree, file), forms[form]!(specifier));
    }
    const refused = lint();
    const verdicts = imports.map(([file, specifier]) => [
      file,
      specifier,
      refused.has(file) ? "refused" : "taken",
    ]);
    expect(verdicts).toEqual(imports.map((line) => [...line]));
  });
});

test("every dependency has a home, and no home is kept for a package that has gone", async () => {
  const rules = await Bun.file(join(repository, "scripts/lint/import-directions.js")).text();
  const table = /^const homes = \{\n(.*?)^\};/ms.exec(rules)?.[1] ?? "";
  const named = Array.from(table.matchAll(/^ {2}"?([^\s"]+?)"?: \[/gm), (match) => match[1] ?? "");
  const packages = named.filter((name) => !/^(?:bun|node):/.test(name));
  expect(packages.toSorted()).toEqual(Object.keys(packageJson.dependencies).toSorted());
});

test("the repository's own configuration holds that rule, the thread rules and the environment rule", async () => {
  const config = (await Bun.file(join(repository, ".oxlintrc.json")).json()) as {
    jsPlugins: string[];
    rules: Record<string, unknown>;
  };
  expect(config.jsPlugins).toEqual(["./scripts/lint/import-directions.js"]);
  for (const rule of [
    "everyspan/import-directions",
    "import/no-cycle",
    "typescript/no-floating-promises",
    "node/no-process-env",
  ]) {
    expect([config.rules[rule]].flat()[0]).toBe("error");
  }
});

/** The files of the tree the linter has something against. */
function lint(): Set<string> {
  const oxlint = join(repository, "node_modules/.bin/oxlint");
  const { stdout } = Bun.spawnSync([oxlint, "--format=unix", "src"], { cwd: tree });
  const lines = stdout.toString().split("\n");
  return new Set(lines.flatMap((line) => line.match(/^(src\/.*?):\d+:\d+: /)?.[1] ?? []));
}
