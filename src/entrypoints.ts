// The files that start a thread, as paths: in the source tree, and inside the compiled binary.
// Runs on the server thread. scripts/build-binary.ts embeds exactly these; a missing one would fall
// back to the disk of the build machine unnoticed, so test/unit/tidy.test.ts keeps both in step.

import { fileURLToPath } from "node:url";

export type ThreadName = "task" | "exporter";

/** Each thread's file, from the root of the repository. The build embeds them under these paths. */
export const threadSources: Readonly<Record<ThreadName, string>> = {
  task: "src/workers/task-entry.ts",
  exporter: "src/tracing/exporter/exporter-entry.ts",
};

/** What decides a path: whether this is the compiled binary, and on which system it runs. */
export interface Placement {
  readonly standalone: boolean;
  readonly platform: NodeJS.Platform;
}

/** The absolute path of a thread's file, for Piscina's `filename` and for `new Worker()`. */
export function threadEntry(
  name: ThreadName,
  placement: Placement = { standalone: Bun.isStandaloneExecutable, platform: process.platform },
): string {
  const source = threadSources[name];
  if (placement.standalone) return embeddedPath(source, placement.platform);
  return fileURLToPath(new URL(`../${source}`, import.meta.url));
}

/** Where Bun's compiled binary on that system keeps the bundle of a source file. */
export function embeddedPath(source: string, platform: NodeJS.Platform): string {
  const root = platform === "win32" ? "B:/~BUN/root/" : "/$bunfs/root/";
  return root + source.replace(/\.ts$/, ".js");
}
