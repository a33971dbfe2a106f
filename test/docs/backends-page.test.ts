// docs/backends.md: what people paste must be what the configuration takes.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { settleDestination } from "../../src/tracing/exporter/dialects/destination-dialect.ts";

const page = readFileSync(resolve(import.meta.dir, "../../docs/backends.md"), "utf8");

/** Each with the heading it stands under. */
const blocks = page.split(/^## /m).flatMap((section) => {
  const [heading = ""] = section.split("\n", 1);
  return [...section.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => ({
    heading,
    yaml: match[1] ?? "",
  }));
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "everyspan-docs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(yaml: string): Config {
  const path = join(folder, "everyspan.yaml");
  writeFileSync(path, yaml);
  const names = [...yaml.matchAll(/\$\{(\w+)\}/g)].map((match) => match[1] ?? "");
  const loaded = loadConfig({
    path,
    environment: Object.fromEntries(names.map((name) => [name, "c2VjcmV0"])),
    workingDirectory: folder,
    cores: 2,
  });
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  expect(loaded.warnings).toEqual([]);
  return loaded.config;
}

describe("the configuration in docs/backends.md", () => {
  test.each(blocks)("$heading: works as it stands", ({ yaml }) => {
    const { destinations } = load(yaml).tracing;
    expect(destinations.length).toBeGreaterThan(0);
    for (const destination of destinations) {
      const { pathname } = new URL(destination.endpoint);
      expect(pathname).toMatch(/\/v1\/traces$/);
    }
  });

  test("gives each backend the dialect that the page promises", () => {
    const dialects = blocks.map(({ heading, yaml }) => {
      const settled = load(yaml).tracing.destinations.map(settleDestination);
      return [heading, ...settled.map(({ config }) => config.dialect)].join(" ");
    });
    expect(dialects).toEqual([
      "Langfuse langfuse",
      "Langfuse langfuse",
      "Phoenix phoenix",
      "MLflow mlflow",
      "Jaeger genai",
      "Grafana Tempo genai",
      "OpenTelemetry Collector auto",
      "Honeycomb genai",
      "Datadog genai",
      "Grafana Cloud genai",
      "Several at once genai phoenix",
    ]);
  });

  test("is short: six lines under a heading, comments and the list's own line aside", () => {
    for (const { heading, yaml } of blocks) {
      const lines = yaml.trimEnd().split("\n");
      const counted = lines.filter((line) => !/^\s*#|^tracing:$|^ {2}destinations:$/.test(line));
      expect([heading, counted.length <= 6]).toEqual([heading, true]);
    }
  });
});
