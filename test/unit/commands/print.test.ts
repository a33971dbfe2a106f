// What the commands do when nobody can have their output: real processes, real devices. Linux alone has /dev/full.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openLedgerFile } from "../../../src/tracing/exporter/ledger-file.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "everyspan-print-"));
  writeFileSync(join(folder, "in.csv"), "text\nhello\n");
  const opened = openLedgerFile(join(folder, "ledger.db"), "process");
  if (opened.ok) opened.file.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(before: readonly string[], words: readonly string[], stdout: number | "ignore") {
  const main = resolve(import.meta.dir, "../../../src/main.ts");
  const done = Bun.spawnSync([...before, process.execPath, main, ...words], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "" },
    stdin: "ignore",
    stdout,
    stderr: "pipe",
  });
  return { code: done.exitCode, err: done.stderr.toString() };
}

const prompt = ["--model", "gpt-5-mini", "--prompt", "{{text}}", "--output", "out.jsonl"];

describe.if(process.platform === "linux")("what is printed", () => {
  test.each([
    [["--version"]],
    [["--help"]],
    [["serve", "--help"]],
    [["check"]],
    [["status", "ledger.db"]],
    [["status", "ledger.db", "--json"]],
    [["batch", "in.csv", ...prompt, "--dry-run"]],
    [["demo"]],
  ])("by %p: a full disk is said and is a failure, a reader that left is neither", (words) => {
    const full = openSync("/dev/full", "w");
    expect(run([], words, full)).toEqual({
      code: 1,
      err: "cannot write to stdout: ENOSPC: no space left on device, write\n",
    });
    closeSync(full);

    const toNobody = ["bash", "-c", 'exec > >(true); wait $!; exec "$@"', "bash"];
    expect(run(toNobody, words, "ignore")).toEqual({ code: 0, err: "" });
  });
});
