// Build time only: makes Piscina, once bundled, start its worker from inside the binary.
// As bundled it looks for `worker.js` at the path of the build machine, which exists nowhere else.

import { readFile } from "node:fs/promises";

/** How Piscina finds its worker, word for word as in its dist/index.js. */
const workerExpression = "(0, node_path_1.resolve)(__dirname, 'worker.js')";

/** The file of Piscina's package that holds the expression. */
export const piscinaIndex: RegExp = /[\\/]piscina[\\/]dist[\\/]index\.js$/;

/** Piscina's source with its worker at `workerPath`. Throws unless the expression is there just once. */
export function redirectWorker(source: string, workerPath: string): string {
  if (source.split(workerExpression).length !== 2) {
    throw new Error(`piscina does not find its worker by ${workerExpression} any more`);
  }
  return source.replace(workerExpression, () => JSON.stringify(workerPath));
}

/** Bundler plugin: `workerPath` is where the binary keeps piscina-worker.ts. */
export function piscinaWorkerPlugin(workerPath: string): Bun.BunPlugin {
  return {
    name: "piscina-worker",
    setup(build) {
      build.onLoad({ filter: piscinaIndex }, async ({ path }) => ({
        contents: redirectWorker(await readFile(path, "utf8"), workerPath),
        loader: "js",
      }));
    },
  };
}
