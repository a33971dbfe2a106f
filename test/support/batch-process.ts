// Tests: a real `everyspan batch` process, from source or (EVERYSPAN_BINARY) the compiled binary, in a temporary
// folder with a configuration of its own.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export interface BatchFolder {
  readonly path: string;
  readonly file: (name: string, content: string | Uint8Array) => string;
  readonly read: (name: string) => string;
  /** The JSON lines of a file. */
  readonly rows: (name: string) => Record<string, unknown>[];
  readonly start: (...words: string[]) => BatchProcess;
  readonly run: (...words: string[]) => Promise<BatchResult>;
  /** The same, with something to read on stdin. */
  readonly feed: (stdin: string | Uint8Array, ...words: string[]) => Promise<BatchResult>;
  readonly remove: () => void;
}

export interface BatchProcess {
  readonly pid: number;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly done: Promise<BatchResult>;
}

export interface BatchResult {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `provider`: its address without `/v1`; `receiver`: where spans go, if anywhere. */
export function batchFolder(options: {
  readonly provider: string;
  readonly receiver?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly config?: Readonly<Record<string, unknown>>;
}): BatchFolder {
  const path = mkdtempSync(join(tmpdir(), "everyspan-batch-"));
  const { provider, receiver } = options;
  const config = {
    pool: { threads: 2 },
    providers: {
      openai: { api: "openai", base_url: `${provider}/v1`, api_key: "k" },
      anthropic: { api: "anthropic", base_url: provider, api_key: "k" },
    },
    ...(receiver !== undefined && {
      tracing: { destinations: [{ name: "receiver", endpoint: receiver }] },
    }),
    ...options.config,
  };
  writeFileSync(join(path, "everyspan.yaml"), JSON.stringify(config));

  const begin = (stdin: Uint8Array | "ignore", words: readonly string[]): BatchProcess => {
    const child = Bun.spawn([...program(), "batch", ...words], {
      cwd: path,
      env: { ...cleanEnvironment(), ...options.env },
      stdin,
      stdout: "pipe",
      stderr: "pipe",
    });
    const done = Promise.all([
      child.exited,
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]).then(([, stdout, stderr]) => {
      return { code: child.signalCode === null ? child.exitCode : null, stdout, stderr };
    });
    return { pid: child.pid, kill: (signal) => child.kill(signal), done };
  };

  const start = (...words: string[]): BatchProcess => begin("ignore", words);

  return {
    path,
    file(name, content) {
      writeFileSync(join(path, name), content);
      return name;
    },
    read: (name) => readFileSync(join(path, name), "utf8"),
    rows: (name) =>
      readFileSync(join(path, name), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    start,
    run: (...words) => start(...words).done,
    feed: (stdin, ...words) => begin(Buffer.from(stdin as string), words).done,
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

function program(): string[] {
  const binary = process.env["EVERYSPAN_BINARY"];
  if (binary !== undefined && binary !== "") return [resolve(binary)];
  return [process.execPath, resolve(import.meta.dir, "../../src/main.ts")];
}

/** What the machine has set must not reach the batch: keys and OTEL_* would change what it does. */
function cleanEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value === undefined) continue;
    if (/^(OTEL_|OPENAI_|ANTHROPIC_|EVERYSPAN_|NODE_ENV$|TRACEPARENT$)/.test(name)) continue;
    kept[name] = value;
  }
  return kept;
}
