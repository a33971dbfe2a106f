// Backends: a Python package as a server on this machine: its own virtual environment under a cache folder, its
// own empty data folder, a free port on loopback. Ends with its whole process group.

import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../support/wait-for.ts";

export interface PythonServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly version: string;
  readonly stop: () => Promise<void>;
}

export interface PythonPackage {
  /** As on PyPI. */
  readonly name: string;
  /** Pinned: what is asserted was measured with it. */
  readonly version: string;
  readonly command: (port: number, otherPort: number, folder: string) => readonly string[];
  readonly env: (port: number, otherPort: number, folder: string) => Record<string, string>;
  /** Answers 200 once the server can be used. */
  readonly readyPath: string;
}

/** A package that cannot be had here, an index out of reach for example: says nothing of our traces. */
export class NotInstallable extends Error {
  override readonly name = "NotInstallable";
}

const installMs = 600_000;
const startMs = 180_000;

/** The first `python3` that can make virtual environments; undefined without one. */
export function findPython(): string | undefined {
  const python = Bun.which("python3");
  if (python === null) return undefined;
  const check = Bun.spawnSync([python, "-c", "import venv, ensurepip"]);
  return check.exitCode === 0 ? python : undefined;
}

/** Installs at the first run, starts, waits until it is ready. */
export async function startPythonServer(
  python: string,
  pack: PythonPackage,
): Promise<PythonServer> {
  const bin = await install(python, pack);
  const folder = mkdtempSync(join(tmpdir(), `everyspan-${pack.name}-`));
  const [port, otherPort] = [await freePort(), await freePort()];
  const [program = "", ...rest] = pack.command(port, otherPort, folder);
  const log = join(folder, "output.log");
  const output = openSync(log, "w");
  const child = Bun.spawn([join(bin, program), ...rest], {
    cwd: folder,
    env: { ...process.env, ...pack.env(port, otherPort, folder) },
    stdin: "ignore",
    stdout: output,
    stderr: output,
    detached: true,
  });
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      console.error(`${pack.name} had ended by itself: ${String(error)}`);
    }
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await waitFor(
      async () => {
        if (child.exitCode !== null) throw new Error(`${pack.name} exited: ${child.exitCode}`);
        return isReady(url + pack.readyPath);
      },
      startMs,
      `${pack.name} ready`,
    );
  } catch (error) {
    const said = readFileSync(log, "utf8").slice(-4000);
    await stop();
    throw new Error(`${pack.name} did not start:\n${said}`, { cause: error });
  }
  return { url, version: pack.version, stop };
}

/** EVERYSPAN_BACKENDS_CACHE or a folder among the system's temporary ones; kept from run to run. */
async function install(python: string, pack: PythonPackage): Promise<string> {
  const cache =
    process.env["EVERYSPAN_BACKENDS_CACHE"] ?? join(tmpdir(), "everyspan-backends-cache");
  const environment = join(cache, `${pack.name}-${pack.version}`);
  const bin = join(environment, "bin");
  const done = join(environment, "installed");
  if (existsSync(done)) return bin;
  mkdirSync(cache, { recursive: true });
  console.log(`installing ${pack.name} ${pack.version} into ${environment}`);
  await run([python, "-m", "venv", "--clear", environment]);
  await run([join(bin, "pip"), "install", "--quiet", `${pack.name}==${pack.version}`]);
  await Bun.write(done, pack.version);
  return bin;
}

async function run(command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], { stdout: "inherit", stderr: "inherit" });
  const timer = setTimeout(() => child.kill(), installMs);
  const exitCode = await child.exited;
  clearTimeout(timer);
  if (exitCode !== 0) throw new NotInstallable(`${command.join(" ")} ended with ${exitCode}`);
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Not listening yet: the caller's deadline decides.
    return false;
  }
}

async function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    server.close(() => resolve(port));
  });
  return promise;
}
