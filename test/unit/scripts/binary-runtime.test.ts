import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchRuntime } from "../../../scripts/binary-runtime.ts";
import type { BinaryTarget } from "../../../scripts/binary-targets.ts";

let folder = "";
let tarball = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "everyspan-runtime-"));
  mkdirSync(join(folder, "package/bin"), { recursive: true });
  writeFileSync(join(folder, "package/bin/bun"), "a runtime");
  tarball = join(folder, "runtime.tgz");
  Bun.spawnSync(["tar", "-czf", tarball, "-C", folder, "package"]);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("fetchRuntime", () => {
  test("keeps the pinned package and does not fetch it again", async () => {
    const target = targetWith(integrityOf(tarball));
    const executable = await fetchRuntime(target, {
      cacheRoot: cacheRoot(),
      npm: npmGiving(tarball),
    });
    expect(readFileSync(executable, "utf8")).toBe("a runtime");

    const again = await fetchRuntime(target, { cacheRoot: cacheRoot(), npm: ["false"] });
    expect(again).toBe(executable);
  });

  test("refuses a package that is not the pinned one, and keeps nothing of it", async () => {
    const options = { cacheRoot: cacheRoot(), npm: npmGiving(tarball) };
    const failure = await rejectionOf(fetchRuntime(targetWith("sha512-other"), options));
    expect(failure).toContain("is not the pinned package");
    expect(readdirSync(cacheRoot())).toEqual([]);
  });

  test("says so when the client fails, and keeps nothing", async () => {
    const options = { cacheRoot: cacheRoot(), npm: ["false"] };
    expect(await rejectionOf(fetchRuntime(targetWith("sha512-any"), options))).toContain("failed");
    expect(readdirSync(cacheRoot())).toEqual([]);
  });
});

function cacheRoot(): string {
  return join(folder, "cache");
}

/** A stand-in for the client: `npm pack` puts the tarball in the current folder and prints its name. */
function npmGiving(path: string): readonly string[] {
  const script = `require("fs").copyFileSync(${JSON.stringify(path)}, "package.tgz");
    console.log("package.tgz");`;
  return [process.execPath, "-e", script];
}

function integrityOf(path: string): string {
  return `sha512-${createHash("sha512").update(readFileSync(path)).digest("base64")}`;
}

function targetWith(runtimeIntegrity: string): BinaryTarget {
  return {
    name: "linux-x64",
    bunTarget: "bun-linux-x64",
    runtimePackage: "@oven/bun-linux-x64",
    runtimeIntegrity,
    platform: "linux",
  };
}

async function rejectionOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return String(error);
  }
  return "it did not fail";
}
