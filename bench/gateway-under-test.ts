// Bench: everyspan itself, as its users run it: the compiled binary if there is one, else from source. Knows
// the outside only: a configuration file, the line that says where it listens, /readyz, /metrics.

import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import type { Children } from "./child-processes.ts";

export interface GatewayOptions {
  readonly providerPort: number;
  /** Absent: no destination, the ledger alone. */
  readonly receiverPort?: number | undefined;
  readonly threads?: number;
  /** Added to the sections of the configuration file. */
  readonly tracing?: Readonly<Record<string, unknown>>;
  readonly pool?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Start on what an earlier one left behind, and leave it in turn. */
  readonly folder?: string;
}

export interface Gateway {
  readonly port: number;
  readonly pid: number;
  readonly folder: string;
  /** From the start of the process to the first 200 of /readyz. */
  readonly readyMs: number;
  /** The value of a metric summed over its labels; `label` keeps only lines that contain it. */
  readonly metric: (name: string, label?: string) => Promise<number>;
  readonly ledgerBytes: () => number;
  /** SIGKILL; keeps the folder. */
  readonly kill: () => Promise<void>;
  /** SIGTERM, SIGKILL after 10 s; removes the folder unless it was given. */
  readonly stop: () => Promise<void>;
}

const repository = resolve(import.meta.dir, "..");
const readyWithinMs = 15_000;

/** How the gateway is started, and what to call that in the results. */
export function gatewayCommand(): { readonly argv: string[]; readonly label: string } {
  const named = process.env["EVERYSPAN_BINARY"];
  const binary = named ?? join(repository, "dist/everyspan");
  if (process.env["BENCH_SOURCE"] !== "1" && existsSync(binary)) {
    return { argv: [resolve(binary)], label: "compiled binary" };
  }
  const source = process.env["BENCH_SOURCE_ROOT"] ?? repository;
  const flags = (process.env["BENCH_BUN_FLAGS"] ?? "").split(" ").filter((flag) => flag !== "");
  const label = "source (no binary in dist/: run `bun run build` for the figures that count)";
  return { argv: [process.execPath, ...flags, join(source, "src/main.ts")], label };
}

/** Starts it with one key, one provider and at most one destination, and waits until it is ready. */
export async function startGateway(children: Children, options: GatewayOptions): Promise<Gateway> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "everyspan-bench-"));
  const configFile = join(folder, "everyspan.yaml");
  writeFileSync(configFile, JSON.stringify(configuration(options, folder), null, 2));
  const startedAtMs = performance.now();
  const child = Bun.spawn(
    [...gatewayCommand().argv, "serve", "--config", configFile, "--port", "0", "--quiet"],
    {
      cwd: folder,
      env: { ...cleanEnvironment(), ...options.env },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    },
  );
  children.add(child);
  const output = followOutput(child.stderr);
  const port = await output.port;
  const url = `http://127.0.0.1:${port}`;
  while (!(await isReady(url))) {
    if (performance.now() - startedAtMs > readyWithinMs) throw new Error("never became ready");
    await Bun.sleep(1);
  }
  const readyMs = performance.now() - startedAtMs;
  return {
    port,
    pid: child.pid,
    folder,
    readyMs,
    async metric(name, label = "") {
      const text = await (await fetch(`${url}/metrics`)).text();
      return sumOf(text, name, label);
    },
    ledgerBytes: () =>
      readdirSync(folder)
        .filter((file) => file.startsWith("ledger.db"))
        .reduce((sum, file) => sum + statSync(join(folder, file)).size, 0),
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await child.exited;
      clearTimeout(timer);
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configuration(options: GatewayOptions, folder: string): Record<string, unknown> {
  const destination = {
    name: "bench",
    endpoint: `http://127.0.0.1:${options.receiverPort}/v1/traces`,
  };
  return {
    server: { keys: [{ name: "bench", key: "bench-key" }] },
    pool: { ...(options.threads !== undefined && { threads: options.threads }), ...options.pool },
    providers: {
      openai: {
        api: "openai",
        base_url: `http://127.0.0.1:${options.providerPort}/v1`,
        api_key: "provider-key",
        concurrency: 20_000,
      },
    },
    tracing: {
      ledger: { path: join(folder, "ledger.db") },
      destinations: options.receiverPort === undefined ? [] : [destination],
      ...options.tracing,
    },
  };
}

function sumOf(text: string, name: string, label: string): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    const isIt = line.startsWith(`${name} `) || line.startsWith(`${name}{`);
    if (isIt && line.includes(label)) sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}

function followOutput(stream: ReadableStream<Uint8Array>): { readonly port: Promise<number> } {
  const listening = Promise.withResolvers<number>();
  let text = "";
  async function read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      const more = decoder.decode(bytes, { stream: true });
      text += more;
      const found = /listening on http:\/\/[\w.]+:(\d+)/.exec(text)?.[1];
      if (found !== undefined) listening.resolve(Number(found));
      for (const line of more.split("\n")) {
        if (/^(?:error|warning): /.test(line)) console.error(`  [gateway] ${line}`);
      }
    }
    listening.reject(new Error(`the gateway did not start:\n${text}`));
  }
  read().catch(listening.reject);
  return { port: listening.promise };
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/readyz`);
  await response.arrayBuffer();
  return response.ok;
}

/** Keys and OTEL_* of the machine would change what is measured. */
function cleanEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value === undefined || /^(?:OTEL_|OPENAI_|ANTHROPIC_|EVERYSPAN_|NODE_ENV$)/.test(name)) {
      continue;
    }
    kept[name] = value;
  }
  return kept;
}
