// Tests: builds the binary from a copy of the tree, then removes the copy. Whatever the binary lacks it
// would look for on the build machine's disk, and find in the tree the tests run in: so that is elsewhere.

import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const repository = resolve(import.meta.dir, "../..");
const copied = ["src", "scripts", "package.json", "bun.lock", "bunfig.toml", "tsconfig.json"];

export interface BuiltBinary {
  readonly path: string;
  /** Removes it. */
  readonly remove: () => void;
}

/** Throws with the build's output when it fails. Takes about two seconds. */
export function buildFromCopy(): BuiltBinary {
  const copy = mkdtempSync(join(realpathSync(tmpdir()), "everyspan-copy-"));
  const output = mkdtempSync(join(realpathSync(tmpdir()), "everyspan-binary-"));
  const remove = (): void => rmSync(output, { recursive: true, force: true });
  try {
    for (const name of copied)
      cpSync(join(repository, name), join(copy, name), { recursive: true });
    bun(copy, ["install", "--frozen-lockfile", "--production"]);
    bun(copy, ["scripts/build-binary.ts", "--outdir", output]);
  } catch (error) {
    remove();
    throw error;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  const path = join(output, process.platform === "win32" ? "everyspan.exe" : "everyspan");
  if (!existsSync(path)) throw new Error(`the build left nothing at ${path}`);
  return { path, remove };
}

function bun(cwd: string, command: readonly string[]): void {
  const result = Bun.spawnSync([process.execPath, ...command], { cwd, stderr: "pipe" });
  if (result.success) return;
  const output = `${result.stdout.toString()}${result.stderr.toString()}`;
  throw new Error(`bun ${command.join(" ")} failed:\n${output}`);
}
