// Where the output goes, main thread: a file, compressed when its name says so, or stdout. Each start writes it
// from its beginning: what was settled before comes from the ledger, so that no row is in it twice.

import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { finished } from "node:stream/promises";
import type { Writable } from "node:stream";
import { createGzip } from "node:zlib";
import type { LineSink } from "./row-writer.ts";

/** `path`: `-` for stdout. Errors of the disk come from `write` and `end`. */
export function openOutput(path: string): LineSink {
  if (path === "-") return sinkOf(process.stdout, async () => undefined);
  mkdirSync(dirname(path), { recursive: true });
  const file = createWriteStream(path);
  if (!path.endsWith(".gz")) {
    return sinkOf(file, async () => {
      file.end();
      await finished(file);
    });
  }
  const gzip = createGzip();
  gzip.pipe(file);
  file.on("error", (error) => gzip.destroy(error));
  return sinkOf(gzip, async () => {
    gzip.end();
    await finished(file);
  });
}

function sinkOf(stream: Writable, end: () => Promise<void>): LineSink {
  let broken: Error | undefined;
  stream.on("error", (error: Error) => {
    broken = error;
  });
  return {
    async write(text) {
      if (broken !== undefined) throw broken;
      await new Promise<void>((resolve, reject) => {
        stream.write(text, (error) => (error ? reject(error) : resolve()));
      });
    },
    async end() {
      if (broken !== undefined) throw broken;
      await end();
    },
  };
}
