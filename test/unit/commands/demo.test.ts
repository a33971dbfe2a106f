// `everyspan demo` that somebody stops: what it made for itself goes with it.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { waitFor } from "../../support/wait-for.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "everyspan-stopped-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const own = (): string[] => readdirSync(folder).map((name) => join(folder, name));

test.each([
  ["SIGINT", "everyspan.yaml", 130],
  ["SIGTERM", "ledger.db", 143],
  ["SIGHUP", "support.csv", 129],
] as const)("%s while there is its %s leaves no folder behind", async (signal, file, code) => {
  const main = resolve(import.meta.dir, "../../../src/main.ts");
  const demo = Bun.spawn([process.execPath, main, "demo"], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", TMPDIR: folder },
    stdout: "ignore",
    stderr: "inherit",
  });
  const isThere = (): boolean => own().some((path) => existsSync(join(path, file)));
  await waitFor(isThere, 20_000, `the demo's ${file}`);
  demo.kill(signal);
  expect(await demo.exited).toBe(code);
  expect(own()).toEqual([]);
});
