import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defaults } from "../../../src/config/schema.ts";
import { problemsOf } from "./resolve-text.ts";

const reference = readFileSync(join(import.meta.dir, "../../../docs/configuration.md"), "utf8");

test("every default is in the reference, beside its key", () => {
  const sections = Object.entries(defaults).filter(
    ([section]) => !["base_urls", "resource", "otlp"].includes(section),
  );
  const lost = sections.flatMap(([section, values]) =>
    Object.entries(values)
      .filter(([key, value]) => !reference.includes(`| \`${key}\` | \`${String(value)}\` |`))
      .map(([key, value]) => `${section}.${key} = ${String(value)}`),
  );
  expect(lost).toEqual([]);
});

test("every key the file may have is in the reference", () => {
  // An unknown key far from all known ones is answered with the list of them.
  const text = `
qqqqqqqqqqqq: 1
server: { qqqqqqqqqqqq: 1, keys: [{ qqqqqqqqqqqq: 1 }] }
pool: { qqqqqqqqqqqq: 1 }
providers: { a: { qqqqqqqqqqqq: 1 } }
models: [{ qqqqqqqqqqqq: 1 }]
pricing: [{ qqqqqqqqqqqq: 1 }]
guardrails:
  - { type: generic_api, qqqqqqqqqqqq: 1 }
  - { type: pattern, qqqqqqqqqqqq: 1, patterns: [{ qqqqqqqqqqqq: 1 }] }
  - { type: module, qqqqqqqqqqqq: 1 }
tracing:
  qqqqqqqqqqqq: 1
  sampler: { qqqqqqqqqqqq: 1 }
  ledger: { qqqqqqqqqqqq: 1 }
  destinations: [{ qqqqqqqqqqqq: 1 }]
`;
  const lists = problemsOf(text).flatMap((line) => line.split("known here: ")[1] ?? []);
  expect(lists).toHaveLength(15);
  const keys = new Set(lists.flatMap((list) => list.split(", ")));
  expect([...keys].filter((key) => !reference.includes(`\`${key}\``))).toEqual([]);
});
