// What `everyspan serve` says of itself on a terminal.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { waitFor } from "../../support/wait-for.ts";

const folder = mkdtempSync(join(tmpdir(), "everyspan-serve-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs it until it listens, then ends it; all that the terminal showed. */
async function shown(...words: readonly string[]): Promise<string> {
  const main = resolve(import.meta.dir, "../../../src/main.ts");
  const decoder = new TextDecoder();
  let text = "";
  const child = Bun.spawn([process.execPath, main, "serve", "--port", "0", ...words], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "" },
    terminal: {
      data: (_, bytes) => {
        text += decoder.decode(bytes, { stream: true });
      },
    },
  });
  await waitFor(() => /try it [^\n]*\n/.test(text), 10_000, "serve listening");
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  await waitFor(() => /stopped[^\n]*\n/.test(text), 2000, "the farewell");
  return text;
}

test("what is no error is not painted as one", async () => {
  const text = await shown();
  expect(text).toStartWith("everyspan ");
  expect(text).toContain("SIGTERM: finishing");
  expect(text).not.toContain("\x1b[31m");
});

test.each([
  ["serve", "calls are served and their traces lost"],
  ["refuse", "new calls are refused"],
])("a ledger that cannot be written: said once, with what follows under %s", async (how, what) => {
  writeFileSync(join(folder, "file"), "");
  writeFileSync(
    join(folder, "everyspan.yaml"),
    `tracing: { ledger: { path: file/ledger.db, on_failure: ${how} } }`,
  );
  const line = (await shown()).split("\r\n").find((each) => each.includes("file/ledger.db:"));
  expect(line).toMatch(
    new RegExp(`^  ledger         /.*: E[A-Z]+: .*; while that lasts, ${what}$`),
  );
  expect(line).not.toContain("(E");
});

test("a host that is no address here is not taken for a port in use alone", () => {
  const main = resolve(import.meta.dir, "../../../src/main.ts");
  const words = ["--host", "nosuch.invalid", "--port", "0", "--config", "insecure.yaml"];
  writeFileSync(join(folder, "insecure.yaml"), "server: { insecure: true }");
  const done = Bun.spawnSync([process.execPath, main, "serve", ...words], { cwd: folder });
  expect(done.exitCode).toBe(1);
  expect(done.stderr.toString()).toBe(
    "cannot listen on nosuch.invalid:0: is the port in use, or nosuch.invalid no address of this machine?\n",
  );
});
