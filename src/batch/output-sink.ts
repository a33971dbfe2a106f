// Where the output goes, main thread: a file, compressed when its name says so, or stdout. Each start writes it
// from its beginning: what was settled before comes from the ledger, so that no row is in it twice.

import { once } from "node:events";
import { closeSync, createWriteStream, lstatSync, mkdirSync, openSync } from "node:fs";
import { statSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { finished } from "node:stream/promises";
import type { Writable } from "node:stream";
import { createGzip } from "node:zlib";

import { fileProblem } from "./file-problem.ts";
import type { LineSink } from "./row-writer.ts";

/** Why it cannot be written, found out without a change to what stands there; its folder is made. */
export function outputProblem(path: string): string | undefined {
  if (path === "-") return undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const there = statSync(path, { throwIfNoEntry: false });
    // A pipe's reader would take the end of a trial for the end.
    if (there !== undefined && !there.isFile() && !there.isDirectory()) return undefined;
    const isNew = lstatSync(path, { throwIfNoEntry: false }) === undefined;
    closeSync(openSync(path, "a"));
    if (isNew) unlinkSync(path);
    return undefined;
  } catch (error) {
    return fileProblem(error);
  }
}

/** `path`: `-` for stdout. Rejects when it cannot be opened; later errors of the disk come from `write` and `end`. */
export async function openOutput(path: string): Promise<LineSink> {
  if (path === "-") return sinkOf("stdout", process.stdout, async () => undefined);
  mkdirSync(dirname(path), { recursive: true });
  const file = createWriteStream(path);
  await once(file, "open").catch((error: unknown) => {
    throw new Error(`${path}: ${fileProblem(error)}`, { cause: error });
  });
  if (!path.endsWith(".gz")) {
    return sinkOf(path, file, async () => {
      file.end();
      await finished(file);
    });
  }
  const gzip = createGzip();
  gzip.pipe(file);
  file.on("error", (error) => gzip.destroy(error));
  return sinkOf(path, gzip, async () => {
    gzip.end();
    await finished(file);
  });
}

function sinkOf(name: string, stream: Writable, end: () => Promise<void>): LineSink {
  let broken: Error | undefined;
  const named = (error: unknown): Error =>
    new Error(`${name}: ${fileProblem(error)}`, { cause: error });
  stream.on("error", (error: Error) => {
    broken = named(error);
  });
  return {
    async write(text) {
      if (broken !== undefined) throw broken;
      await new Promise<void>((resolve, reject) => {
        stream.write(text, (error) => (error ? reject(named(error)) : resolve()));
      });
    },
    async end() {
      if (broken !== undefined) throw broken;
      await end().catch((error: unknown) => {
        throw named(error);
      });
    },
  };
}
