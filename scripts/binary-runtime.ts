// Fetches the Bun runtime of another system through the ordinary npm client, into a cache folder.
// Bun's own fetch asks a fixed address, ignores .npmrc and checks no integrity, so it is not used.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type BinaryTarget, runtimeVersion } from "./binary-targets.ts";

export interface FetchOptions {
  /** Holds one folder per target. */
  readonly cacheRoot: string;
  /** The npm client, as a command. */
  readonly npm: readonly string[];
}

const defaults: FetchOptions = {
  cacheRoot: resolve(import.meta.dir, "../node_modules/.cache/bun-runtimes", runtimeVersion),
  npm: process.platform === "win32" ? ["npm.cmd"] : ["npm"],
};

/** The path of the target's Bun executable. Throws when it cannot be had, or is not the pinned one. */
export async function fetchRuntime(
  target: BinaryTarget,
  { cacheRoot, npm }: FetchOptions = defaults,
): Promise<string> {
  const cached = join(cacheRoot, target.name);
  const executable = join(cached, "package/bin", target.platform === "win32" ? "bun.exe" : "bun");
  if (existsSync(executable)) return executable;

  await mkdir(cacheRoot, { recursive: true });
  const download = await mkdtemp(join(cacheRoot, "download-"));
  try {
    const specifier = `${target.runtimePackage}@${runtimeVersion}`;
    const fileName = (await run([...npm, "pack", "--silent", specifier], download)).trim();
    const tarball = join(download, fileName);
    const digest = createHash("sha512")
      .update(await readFile(tarball))
      .digest("base64");
    if (`sha512-${digest}` !== target.runtimeIntegrity) {
      throw new Error(`${specifier} is not the pinned package: got sha512-${digest}`);
    }
    await run(["tar", "-xzf", fileName], download);
    await rm(tarball);
    // Renamed last, so that an interrupted download never looks like a finished one.
    await rm(cached, { recursive: true, force: true });
    await rename(download, cached);
  } finally {
    await rm(download, { recursive: true, force: true });
  }
  return executable;
}

async function run(command: readonly string[], cwd: string): Promise<string> {
  const child = Bun.spawn([...command], {
    cwd,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed`);
  return output;
}
