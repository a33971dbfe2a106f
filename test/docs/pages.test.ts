// All pages: links lead somewhere, options that are written about exist, and the README's configuration can be used.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { CommandDef } from "citty";
import { batch } from "../../src/commands/batch.ts";
import { check } from "../../src/commands/check.ts";
import { demo } from "../../src/commands/demo.ts";
import { serve } from "../../src/commands/serve.ts";
import { status } from "../../src/commands/status.ts";
import { resolveConfig } from "../../src/config/resolve-config.ts";
import { findModel } from "../../src/server/resolve-model.ts";
import { parseYamlDocument } from "../../src/config/yaml-document.ts";

const repository = resolve(import.meta.dir, "../..");
const pages = ["*.md", "docs/**/*.md", "bench/*.md"].flatMap((pattern) => [
  ...new Bun.Glob(pattern).scanSync({ cwd: repository }),
]);
const read = (page: string): string => readFileSync(join(repository, page), "utf8");

/** As GitHub makes them. */
function anchors(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

test.each(pages.toSorted())("%s: its links lead somewhere", (page) => {
  const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  const broken = links.filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [file = "", anchor] = link.split("#", 2);
    const target = file === "" ? page : join(dirname(page), file);
    if (!existsSync(join(repository, target))) return true;
    return anchor !== undefined && !anchors(target).includes(anchor);
  });
  expect(broken).toEqual([]);
});

describe("what is written of the command line", () => {
  const commands: Readonly<Record<string, CommandDef>> = { batch, check, demo, serve, status };

  function optionsOf(name: string): string[] {
    return Object.keys(commands[name]?.args ?? {}).map((option) => `--${option}`);
  }

  test("the README's table has every command, with options that it has", () => {
    const rows = [...read("README.md").matchAll(/^\| `everyspan (\w+)[^`]*` \| (.*) \|$/gm)];
    expect(rows.map(([, name = ""]) => name).toSorted()).toEqual(Object.keys(commands).toSorted());
    for (const [, name = "", text = ""] of rows) {
      const named = [...text.matchAll(/`(--[\w-]+)/g)].map(([, option]) => option);
      expect(named.filter((option) => !optionsOf(name).includes(option ?? ""))).toEqual([]);
    }
  });

  test("docs/batch.md names all options of batch, and none that there is not", () => {
    const named = new Set(read("docs/batch.md").match(/--[a-z][\w-]*/g));
    const known = new Set([...optionsOf("batch"), "--flush"]); // of status
    expect([...named].filter((option) => !known.has(option))).toEqual([]);
    const unnamed = [...known].filter((option) => !named.has(option));
    expect(unnamed).toEqual(["--input", "--config"]); // the file itself, and what all commands have
  });
});

test("the README's configuration can be used as it stands, and serves the models of the batches", () => {
  const [, yaml = ""] = /^```yaml\n(.*?)^```$/ms.exec(read("README.md")) ?? [];
  const parsed = parseYamlDocument(yaml);
  const names = [...yaml.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]): [string, string] => [
    name,
    `key-${name}`,
  ]);
  const resolved = resolveConfig({
    document: parsed.ok ? parsed.document : parsed.problem,
    directories: { file: repository, working: repository },
    environment: Object.fromEntries(names),
    overrides: {},
    cores: 2,
    fileExists: () => true,
  });
  expect(resolved).toMatchObject({ ok: true, warnings: [] });
  const models = (resolved.ok ? resolved.config.models : undefined) ?? [];
  const asked = ["README.md", "docs/batch.md"].map(
    (page) => /^everyspan batch .*?--model (\S+)/ms.exec(read(page))?.[1] ?? page,
  );
  expect(asked.filter((model) => findModel(models, model) === undefined)).toEqual([]);
});
