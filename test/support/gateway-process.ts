// Tests: a real `everyspan serve` process, from source or (EVERYSPAN_BINARY) the compiled binary, in an empty
// temporary folder. Knows the outside only: arguments, a configuration file, stderr, signals.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { waitFor } from "./wait-for.ts";

export interface GatewayProcess {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly pid: number;
  /** The process's folder: configuration, ledger. */
  readonly folder: string;
  /** All it has written so far. */
  readonly stderr: () => string;
  readonly stdout: () => string;
  readonly kill: (signal?: NodeJS.Signals) => void;
  /** The exit code; null when killed by a signal. */
  readonly exited: Promise<number | null>;
  /** SIGTERM, then SIGKILL after `graceMs` (default 10,000); the folder goes unless it was given. */
  readonly stop: (graceMs?: number) => Promise<void>;
}

export interface GatewayOptions {
  /** The configuration as data, written as YAML (JSON is YAML). The ledger's path defaults into the folder. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Use and keep this folder, as a restart does. Default: a new one, removed by `stop`. */
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly arguments?: readonly string[];
  /** What starts it, such as `nohup`. */
  readonly under?: readonly string[];
  readonly readyMs?: number;
}

/** Starts `serve` on a free port and waits until it is ready. Rejects with its output if it never is. */
export async function startGatewayProcess(options: GatewayOptions): Promise<GatewayProcess> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "everyspan-test-"));
  const configFile = join(folder, "everyspan.yaml");
  writeFileSync(configFile, JSON.stringify(withLedger(options.config, folder), null, 2));
  const words = ["serve", "--config", configFile, "--port", "0", ...(options.arguments ?? [])];
  const child = Bun.spawn([...(options.under ?? []), ...command(), ...words], {
    cwd: folder,
    env: { ...cleanEnvironment(), ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const exited = child.exited.then(() => child.exitCode);
  const stop = async (graceMs = 10_000): Promise<void> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
    await exited;
    clearTimeout(timer);
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  const output = (): string => `${stdout()}${stderr()}`;
  try {
    const url = await waitFor(
      () => {
        if (child.exitCode !== null) throw new Error(`serve exited with ${child.exitCode}`);
        return /listening on (http:\/\/[\w.:[\]]+)/i.exec(output())?.[1];
      },
      options.readyMs ?? 10_000,
      "serve listening",
    );
    await waitFor(() => isReady(url), options.readyMs ?? 10_000, "serve ready");
    const kill = (signal: NodeJS.Signals = "SIGTERM"): void => child.kill(signal);
    return { url, pid: child.pid, folder, stdout, stderr, kill, exited, stop };
  } catch (error) {
    await stop(0);
    throw new Error(`the gateway did not start:\n${output()}`, { cause: error });
  }
}

function command(): string[] {
  const binary = process.env["EVERYSPAN_BINARY"];
  if (binary !== undefined && binary !== "") return [resolve(binary)];
  return [process.execPath, resolve(import.meta.dir, "../../src/main.ts")];
}

/** What the machine has set must not reach the gateway: keys and OTEL_* would change what it does. */
function cleanEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value === undefined || /^(OTEL_|OPENAI_|ANTHROPIC_|EVERYSPAN_|NODE_ENV$)/.test(name))
      continue;
    kept[name] = value;
  }
  return kept;
}

function withLedger(
  config: Readonly<Record<string, unknown>>,
  folder: string,
): Readonly<Record<string, unknown>> {
  const tracing = (config["tracing"] ?? {}) as Readonly<Record<string, unknown>>;
  const ledger = (tracing["ledger"] ?? {}) as Readonly<Record<string, unknown>>;
  const path = join(folder, "ledger.db");
  return { ...config, tracing: { ...tracing, ledger: { path, ...ledger } } };
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Not listening yet: the caller's deadline decides.
    return false;
  }
}

function collect(stream: ReadableStream<Uint8Array>): () => string {
  let text = "";
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) text += decoder.decode(bytes, { stream: true });
  };
  read().catch((error: unknown) => {
    text += `\n[output lost: ${String(error)}]\n`;
  });
  return () => text;
}
