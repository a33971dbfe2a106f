// A real `serve` on a Unix socket: what a killed one leaves behind, and what is somebody else's.

import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(30_000);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function newFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "everyspan-socket-"));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Its ledger is in a folder of its own where `own` is one. */
function serve(socket: string, own = newFolder()) {
  const main = resolve(import.meta.dir, "../../src/main.ts");
  const child = Bun.spawn([process.execPath, main, "serve", "--unix", socket], {
    cwd: own,
    env: { PATH: process.env["PATH"] ?? "" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  cleanups.push(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  return child;
}

async function answers(socket: string): Promise<boolean> {
  try {
    return (await fetch("http://everyspan/healthz", { unix: socket })).ok;
  } catch {
    return false; // nobody is there (yet)
  }
}

test("the socket of a process that was killed is in nobody's way", async () => {
  const folder = newFolder();
  const socket = join(folder, "s");
  const killed = serve(socket, folder);
  await waitFor(() => answers(socket), 10_000, "the first");
  killed.kill("SIGKILL");
  await killed.exited;
  const next = serve(socket, folder);
  await waitFor(() => answers(socket), 10_000, "the second");
  next.kill("SIGTERM");
  expect(await next.exited).toBe(0);
});

test("a socket on which somebody answers is left to them, and a file that is none as it is", async () => {
  const socket = join(newFolder(), "s");
  serve(socket);
  await waitFor(() => answers(socket), 10_000, "the first");
  const second = serve(socket);
  expect(await second.exited).toBe(1);
  expect(await new Response(second.stderr).text()).toStartWith(`cannot listen on ${socket}: EADDR`);
  expect(await answers(socket)).toBe(true);

  const file = join(newFolder(), "s");
  writeFileSync(file, "mine");
  expect(await serve(file).exited).toBe(1);
  expect(readFileSync(file, "utf8")).toBe("mine");
});
