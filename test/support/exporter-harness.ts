// Tests: the real exporter thread, driven as the server drives it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { DestinationConfig, TracingConfig } from "../../src/config/schema.ts";
import { threadEntry } from "../../src/entrypoints.ts";
import type {
  Account,
  ExporterCommand,
  ExporterEvent,
  ExporterStart,
} from "../../src/protocol/exporter-message.ts";
import { writeExporterCommand } from "../../src/protocol/exporter-words.ts";
import type { Word } from "../../src/protocol/words.ts";
import { encodeSpan } from "./reference-encoding.ts";
import { waitFor } from "./wait-for.ts";

export type TestTracing = Partial<Omit<TracingConfig, "ledger">> & {
  readonly ledger?: Partial<TracingConfig["ledger"]>;
};

export interface TestExporter {
  readonly events: ExporterEvent[];
  readonly worker: Worker;
  send(command: ExporterCommand): void;
  /** Waits until these calls are acknowledged. */
  committed(...calls: readonly string[]): Promise<void>;
  /** All that were. */
  committedCalls(): ReadonlySet<string>;
  failed(): string[];
  notices(): string[];
  health(): { readonly ledgerUp: boolean; readonly reasons: string } | undefined;
  account(): Promise<Account>;
  stop(exportMs?: number): Promise<Account>;
}

export function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "everyspan-exporter-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function testTracing(folder: string, changes: TestTracing = {}): TracingConfig {
  return {
    captureContent: false,
    contentLimitChars: 0,
    replyWaitsFor: "commit",
    exportWaitMs: 1000,
    destinations: [],
    exportDelayMs: 5,
    maxExportBatch: 512,
    resource: { "service.name": "everyspan-test" },
    sampler: { kind: "always_on", ratio: 1 },
    disabled: false,
    ...changes,
    ledger: {
      path: join(folder, "ledger.db"),
      retentionMs: 3_600_000,
      maxSizeBytes: 1 << 30,
      onFailure: "serve",
      commitTimeoutMs: 1000,
      durability: "process",
      ...changes.ledger,
    },
  };
}

export function testDestination(
  name: string,
  endpoint: string,
  changes: Partial<DestinationConfig> = {},
): DestinationConfig {
  return {
    name,
    endpoint,
    headers: {},
    protocol: "http/protobuf",
    compression: "none",
    timeoutMs: 5000,
    dialect: "genai",
    backfill: false,
    cutParent: false,
    attributeLimit: undefined,
    caFile: undefined,
    certFile: undefined,
    keyFile: undefined,
    ...changes,
  };
}

export function exporterStart(tracing: TracingConfig, run?: string): ExporterStart {
  return {
    tracing: JSON.stringify(tracing),
    resource: JSON.stringify({ "service.version": "test" }),
    version: "0.0.0",
    keepsReserve: true,
    ...(run !== undefined && { run }),
  };
}

/** Starts the thread and waits until it is ready. */
export async function startExporter(tracing: TracingConfig, run?: string): Promise<TestExporter> {
  const worker = new Worker(threadEntry("exporter"), { workerData: exporterStart(tracing, run) });
  const events: ExporterEvent[] = [];
  const acknowledged = new Set<string>();
  worker.on("message", (event: ExporterEvent) => {
    events.push(event);
    if (event.kind === "committed") {
      for (const call of event.calls.split(" ")) acknowledged.add(call);
    }
  });
  worker.on("error", (error: Error) => {
    events.push({ kind: "notice", level: "error", text: `thread died: ${error.message}` });
  });
  const find = <K extends ExporterEvent["kind"]>(kind: K) =>
    events.findLast((event): event is Extract<ExporterEvent, { kind: K }> => event.kind === kind);
  await waitFor(() => find("ready"), 5000, "the exporter's ready");
  const tell = (command: ExporterCommand): void => {
    worker.postMessage(exporterWords(command));
  };
  let requests = 0;
  return {
    events,
    worker,
    send: tell,
    async committed(...calls) {
      await waitFor(
        () => calls.every((call) => acknowledged.has(call)),
        5000,
        `commit of ${calls.join(" ")}`,
      );
    },
    committedCalls: () => acknowledged,
    failed: () =>
      events.flatMap((event) => (event.kind === "failed" ? event.calls.split(" ") : [])),
    notices: () => events.flatMap((event) => (event.kind === "notice" ? [event.text] : [])),
    health: () => find("health"),
    async account() {
      requests += 1;
      const request = requests;
      tell({ kind: "account", request });
      const answer = await waitFor(
        () => events.find((event) => event.kind === "account" && event.request === request),
        5000,
        "the account",
      );
      return JSON.parse((answer as { account: string }).account) as Account;
    },
    async stop(exportMs = 1000) {
      tell({ kind: "stop", exportMs });
      const stopped = await waitFor(() => find("stopped"), exportMs + 5000, "the exporter's stop");
      await worker.terminate();
      return JSON.parse(stopped.account) as Account;
    },
  };
}

export interface ExporterProcess {
  readonly child: Bun.Subprocess<"ignore", "pipe", "inherit">;
  readonly lines: readonly string[];
  readonly reading: Promise<void>;
}

/** A process with such a thread, that commits calls for as long as it lives; `lines` are what it says. */
export function startExporterProcess(tracing: TracingConfig, padding = 0): ExporterProcess {
  const entry = fileURLToPath(new URL("exporter-process.ts", import.meta.url));
  const child = Bun.spawn(
    [process.execPath, entry, JSON.stringify(exporterStart(tracing)), String(padding)],
    { stdout: "pipe", stderr: "inherit" },
  );
  const lines: string[] = [];
  const reading = (async () => {
    let rest = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts);
    }
  })();
  return { child, lines, reading };
}

export interface TestCallShape {
  readonly spans?: number;
  readonly sampled?: boolean;
  readonly name?: string;
  /** Characters of an attribute on each span. */
  readonly padding?: number;
  readonly startMs?: number;
  /** Spans from this index on are open. */
  readonly openFrom?: number;
}

export interface TestCall {
  readonly call: string;
  readonly traceId: string;
  readonly spanIds: readonly string[];
  readonly spans: string;
  readonly spanCount: number;
  readonly sampled: boolean;
}

/** A call of nested spans: each is the child of the one before it. */
export function testCall(shape: TestCallShape = {}): TestCall {
  const count = shape.spans ?? 3;
  const startMs = shape.startMs ?? Date.now();
  const traceId = hex(16);
  const spanIds = Array.from({ length: count }, () => hex(8));
  const spans = spanIds.map((spanId, index) =>
    encodeSpan({
      traceId,
      spanId,
      parentSpanId: spanIds[index - 1] ?? "",
      traceState: "",
      traceFlags: 1,
      parentIsRemote: false,
      name: index === 0 ? (shape.name ?? "POST /v1/messages") : `span ${index}`,
      kind: index === 0 ? 2 : 1,
      startMs: startMs + index,
      endMs: index >= (shape.openFrom ?? count) ? undefined : startMs + 100 - index,
      attributes: { index, padding: "x".repeat(shape.padding ?? 0) },
      statusCode: 0,
      statusMessage: "",
    }),
  );
  return {
    call: Bun.randomUUIDv7(),
    traceId,
    spanIds,
    spans: spans.join(""),
    spanCount: count,
    sampled: shape.sampled ?? true,
  };
}

/** A command as it crosses to the thread. */
export function exporterWords(command: ExporterCommand): Word[] {
  const words: Word[] = [];
  writeExporterCommand(words, command);
  return words;
}

export function finished(call: TestCall): Extract<ExporterCommand, { kind: "finished" }> {
  const { spans, spanCount, sampled } = call;
  return { kind: "finished", call: call.call, spans, spanCount, sampled };
}

/** Throws unless every destination's states add up to what was committed since its first call. */
export function assertAddsUp(account: Account): void {
  for (const d of account.destinations) {
    const sum = d.exported + d.pending + d.rejected + d.expired + d.unsampled;
    if (sum !== d.committed) throw new Error(`${d.name}: ${JSON.stringify(d)} adds up to ${sum}`);
  }
}

function hex(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toHex();
}
