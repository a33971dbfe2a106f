import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../../src/config/load.ts";
import type { LoadOptions } from "../../../src/config/load.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "everyspan-config-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function load(changes: Partial<LoadOptions> = {}) {
  return loadConfig({ environment: {}, workingDirectory: folder, cores: 1, ...changes });
}

function portOf(changes: Partial<LoadOptions> = {}): number {
  const loaded = load(changes);
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return loaded.config.server.port;
}

describe("the file is", () => {
  test("the one of --config, else of EVERYSPAN_CONFIG, else ./everyspan.yaml, else none", () => {
    expect(portOf()).toBe(4000);
    write("everyspan.yaml", "server: { port: 1 }");
    expect(portOf()).toBe(1);
    write("sub/two.yaml", "server: { port: 2 }");
    const environment = { EVERYSPAN_CONFIG: "sub/two.yaml" };
    expect(portOf({ environment })).toBe(2);
    const path = write("three.yaml", "server: { port: 3 }");
    expect(portOf({ environment, path })).toBe(3);
  });

  test("said in the outcome, good or bad", () => {
    expect(load().source).toBe("no file: defaults and environment");
    const path = write("everyspan.yaml", "a: 1");
    expect(load()).toMatchObject({ ok: false, source: path });
  });

  test("where its relative paths start", () => {
    write("sub/a.yaml", "tracing: { ledger: { path: l.db } }");
    const loaded = load({ path: "sub/a.yaml" });
    expect(loaded.ok && loaded.config.tracing.ledger.path).toBe(join(folder, "sub/l.db"));
  });
});

describe("a file that cannot be used is one problem", () => {
  test("when it is named and not there", () => {
    const path = join(folder, "none.yaml");
    const problems = [`there is no file ${path}`];
    expect(load({ path: "none.yaml" })).toEqual({ ok: false, problems, source: path });
  });

  test("when it is a folder", () => {
    expect(load({ path: "." })).toMatchObject({ problems: [`${folder} is a folder, no file`] });
  });

  test("when it is far too large", () => {
    const path = write("large.yaml", `# ${"x".repeat(1_048_576)}`);
    expect(load({ path })).toMatchObject({ problems: [`${path} is larger than 1048576 bytes`] });
  });

  test("when it is not YAML", () => {
    write("everyspan.yaml", "server: {\n");
    const loaded = load();
    expect(!loaded.ok && loaded.problems).toHaveLength(1);
    expect(!loaded.ok && loaded.problems[0]).toStartWith("the file is not valid YAML near line 1");
  });
});

test("a module or certificate that is not there is a problem, a folder no file", () => {
  write("rules.ts", "");
  mkdirSync(join(folder, "folder"));
  const module = (path: string) =>
    write(
      "everyspan.yaml",
      `guardrails: [{ name: m, type: module, modes: [pre_call], path: ${path} }]`,
    );
  module("rules.ts");
  expect(load().ok).toBe(true);
  for (const path of ["none.ts", "folder"]) {
    module(path);
    const line = `guardrails[0].path: there is no readable file at ${join(folder, path)}`;
    expect(load()).toMatchObject({ ok: false, problems: [line] });
  }
});

test("a file that is no certificate is a problem, and of the environment a warning", () => {
  const good = write(
    "ca.pem",
    "# ours\n-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n",
  );
  const bad = write("notes.txt", "not a certificate\n");
  const endpoint = "https://localhost:4318";
  const named = (path: string) =>
    write(
      "everyspan.yaml",
      `tracing: { destinations: [{ name: a, endpoint: "${endpoint}/v1/traces", ca_file: ${path} }] }`,
    );
  named("ca.pem");
  expect(load().ok).toBe(true);
  named("notes.txt");
  const line = `tracing.destinations[0].ca_file: there is no readable PEM file at ${bad}`;
  expect(load()).toMatchObject({ ok: false, problems: [line] });
  rmSync(join(folder, "everyspan.yaml"));
  const warnings = (certificate: string) => {
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_CERTIFICATE: certificate,
    };
    const loaded = load({ environment });
    return loaded.ok ? loaded.warnings : undefined;
  };
  expect(warnings(good)).toEqual([]);
  expect(warnings(bad)).toEqual([
    "OTEL_EXPORTER_OTLP_CERTIFICATE names no readable PEM file; it is ignored",
  ]);
});
