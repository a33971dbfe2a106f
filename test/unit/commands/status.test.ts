// `everyspan status` as a person has it, where there is little or nothing for it to read.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openLedgerFile } from "../../../src/tracing/exporter/ledger-file.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "everyspan-status-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function status(...words: readonly string[]): { code: number; out: string; err: string } {
  const main = resolve(import.meta.dir, "../../../src/main.ts");
  const done = Bun.spawnSync([process.execPath, main, "status", ...words], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "" },
    stdin: "ignore",
  });
  return { code: done.exitCode, out: done.stdout.toString(), err: done.stderr.toString() };
}

test("--flush of a ledger that is not there makes none", () => {
  for (const words of [["--flush"], ["none.db", "--flush"]]) {
    const { code, err } = status(...words);
    expect({ code, files: readdirSync(folder) }).toEqual({ code: 1, files: [] });
    expect(err).toMatch(/^there is no ledger at .*\n$/);
  }
});

test.skipIf(process.getuid?.() === 0)("a ledger that this user may not read is told so", () => {
  const path = join(folder, "mine.db");
  const opened = openLedgerFile(path, "process");
  if (opened.ok) opened.file.close();
  chmodSync(path, 0o000);
  const said = `ledger ${path}: this user may not read it (SQLITE_CANTOPEN)\n`;
  expect(status("mine.db")).toEqual({ code: 1, out: "", err: said });
  chmodSync(path, 0o644);
  chmodSync(folder, 0o555);
  const { code, err } = status("mine.db");
  chmodSync(folder, 0o755);
  expect(code).toBe(1);
  expect(err).toContain(
    "this user may not write to its folder, as is needed to read it, too (SQLITE_",
  );
});

test("a folder is no ledger", () => {
  expect(status(folder)).toEqual({ code: 1, out: "", err: `${folder} is a folder, no ledger\n` });
});

test.each([
  [["--last", "0"], '--last: "0" is no whole number from 1 to 1000\n'],
  [["--trace", "12"], "--trace: a trace id has 32 hex digits\n"],
] as [string[], string][])("%p is refused before there is anything to look at", (words, err) => {
  expect(status(...words)).toEqual({ code: 2, out: "", err });
});

test("a ledger that is named is read though the configuration is not usable; its own is not", () => {
  const config = join(folder, "everyspan.yaml");
  writeFileSync(config, 'server: { keys: [{ name: a, key: "${NO_SUCH_KEY}" }] }');
  const path = join(folder, "named.db");
  const opened = openLedgerFile(path, "process");
  if (opened.ok) opened.file.close();

  const named = status("named.db");
  expect(named).toMatchObject({ code: 0, err: "" });
  expect(named.out).toStartWith(`ledger ${path}\ncalls 0 `);

  for (const words of [[], ["named.db", "--flush"], ["named.db", "--config", config]]) {
    const { code, err } = status(...words);
    expect(code).toBe(2);
    expect(err).toStartWith(`Configuration (${config}): 1 problem\n  server.keys[0].key: `);
  }
});
