// The threads of a batch: the same pool and exporter as behind the HTTP server, on a ledger of its own. Main thread.

import type { Config } from "../config/schema.ts";
import { threadEntry } from "../entrypoints.ts";
import { createExporterThread, type ExporterThread } from "../server/exporter-thread.ts";
import { createWorkerPool, type WorkerPool } from "../server/worker-pool.ts";
import { systemClock } from "../tracing/recorder/clock.ts";

export interface BatchThreadsOptions {
  readonly version: string;
  readonly notice: (level: "info" | "warning" | "error", text: string) => void;
  /** Of the exporter thread; usually its own. */
  readonly exporterEntry?: string;
}

export interface BatchThreads {
  readonly pool: WorkerPool;
  readonly exporter: ExporterThread;
  readonly stop: (exportMs: number) => ReturnType<ExporterThread["stop"]>;
}

/** Threads or ledger cannot start; the message says why. */
export class BatchStartError extends Error {
  override readonly name = "BatchStartError";
}

/** A row's opening stands for it until then, with a `chat` that the worker's own replaces. */
const journalAfterMs = 1000;
const retriesMin = 4;
/** A limit that says "later" is not an error: a row waits for its turn as long as that takes. */
const retryBudgetMs = 6 * 3_600_000;
/** Nobody waits for a single reply: a ledger in trouble gets longer than behind the server. */
const commitTimeoutMsMin = 10_000;

/** The exporter's word is waited for, also from a thread begun anew: a row that is merely late may yet be lost. */
const wordWithinMs = 10_000;

/** What a batch changes of the configuration. `roomBytes`: for the rows, beside the traces. */
export function batchConfig(config: Config, ledgerPath: string, roomBytes: number): Config {
  const { ledger } = config.tracing;
  return {
    ...config,
    providers: config.providers.map((provider) => ({
      ...provider,
      retries: Math.max(retriesMin, provider.retries),
      retryBudgetMs,
    })),
    tracing: {
      ...config.tracing,
      replyWaitsFor: "commit",
      ledger: {
        ...ledger,
        path: ledgerPath,
        maxSizeBytes: ledger.maxSizeBytes + roomBytes,
        commitTimeoutMs: Math.max(commitTimeoutMsMin, ledger.commitTimeoutMs),
      },
    },
  };
}

/** @throws BatchStartError */
export async function startBatchThreads(
  config: Config,
  { version, notice, exporterEntry = threadEntry("exporter") }: BatchThreadsOptions,
): Promise<BatchThreads> {
  const { tracing } = config;
  const exporter = createExporterThread({
    entry: exporterEntry,
    start: {
      tracing: JSON.stringify(tracing),
      resource: JSON.stringify(tracing.resource),
      version,
      run: Bun.randomUUIDv7(),
    },
    wait: {
      waitsFor: "commit",
      commitTimeoutMs: tracing.ledger.commitTimeoutMs + wordWithinMs,
      exportWaitMs: tracing.exportWaitMs,
    },
    clock: systemClock,
    notice,
  });
  const pool = createWorkerPool({
    entry: threadEntry("task"),
    start: { config: JSON.stringify(config), version, journalAfterMs },
    pool: config.pool,
    clock: systemClock,
    notice,
  });
  const fail = async (message: string): Promise<never> => {
    await Promise.all([exporter.stop(0), pool.stop()]);
    throw new BatchStartError(message);
  };
  const { error } = await exporter.ready;
  if (error !== "") return fail(error);
  try {
    await pool.ready;
  } catch (cause) {
    return fail(`the worker threads do not start: ${String(cause)}`);
  }
  return {
    pool,
    exporter,
    async stop(exportMs) {
      const account = await exporter.stop(exportMs);
      await pool.stop();
      return account;
    },
  };
}
