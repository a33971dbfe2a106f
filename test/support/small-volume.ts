// Tests: a real file system of a few mebibytes, to be filled.

import { temporaryFolder } from "./exporter-harness.ts";

/** Its path; undefined, and said, without the right to mount one. Taken away by `cleanups`, last first. */
export function smallVolume(sizeBytes: number, cleanups: (() => unknown)[]): string | undefined {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${sizeBytes}`, "none", path]);
  if (mounted.exitCode !== 0) {
    console.log("skipped: no right to mount a small disk");
    return undefined;
  }
  cleanups.push(() => Bun.spawnSync(["umount", "-l", path]));
  return path;
}
