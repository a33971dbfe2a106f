// Starts and stops everything that `serve` consists of: exporter thread, worker pool, HTTP server, in this
// order, and the other way round. Main thread.

import type { Config } from "../config/schema.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import { threadEntry } from "../entrypoints.ts";
import type { Account } from "../protocol/exporter-message.ts";
import { createWallClock, systemClock } from "../tracing/recorder/clock.ts";
import { createIdSource } from "../tracing/recorder/ids.ts";
import { createSpanWriter } from "../tracing/recorder/span-writer.ts";
import { createIdleSweep } from "../timers/idle-sweep.ts";
import { createApp } from "./app.ts";
import { createAuthenticator } from "./authenticate.ts";
import type { CallReport } from "./call-report.ts";
import { createDrain } from "./drain.ts";
import { createExporterThread } from "./exporter-thread.ts";
import type { ExporterThread } from "./exporter-thread.ts";
import { createGatewayMetrics } from "./gateway-metrics.ts";
import { metricsText } from "./metrics-text.ts";
import { replyBody } from "./reply-body.ts";
import { createOpenCalls } from "./open-calls.ts";
import { createRefusalBudget } from "./refusal-budget.ts";
import { idleSeconds } from "./request-host.ts";
import { createSampler } from "./sampler.ts";
import { createSpanAccount } from "./span-account.ts";
import type { GatewayAccount } from "./span-account.ts";
import { removeStaleSocket } from "./stale-socket.ts";
import { createUnpricedModels } from "./unpriced-models.ts";
import { createTracingOff } from "./tracing-off.ts";
import { createWorkerPool } from "./worker-pool.ts";

export type Notice = (level: "info" | "warning" | "error", text: string) => void;

export interface Gateway {
  /** `http://host:port`, or `unix:path`. */
  readonly url: string;
  /** What the ledger said at start: empty when it is open. */
  readonly ledgerError: string;
  readonly account: () => Promise<GatewayAccount>;
  /** Refuses new calls, lets running ones finish within the drain timeout, commits, exports. */
  readonly stop: () => Promise<Farewell>;
  /** Ends a stop's waiting: what still runs is cancelled now, and export is not waited for. */
  readonly hurry: () => void;
}

/** What is left when all is stopped. */
export interface Farewell {
  /** Undefined when the exporter did not answer any more. */
  readonly ledger: Account | undefined;
  /** Handed to the exporter and never acknowledged. */
  readonly uncommittedSpans: number;
}

/** A gateway that cannot start, for a reason that a person can mend; the message says which. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** Of the ledger's size. They are the first to go from it, but not before they are exported. */
const refusalShare = 0.05;

export interface GatewayOptions {
  readonly config: Config;
  readonly version: string;
  readonly notice: Notice;
  readonly onCall?: (report: CallReport, durationMs: number) => void;
}

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, version, notice } = options;
  const clock = createWallClock();
  const exporter = startExporter(options);
  const pool = createWorkerPool({
    entry: threadEntry("task"),
    start: { config: JSON.stringify(config), version },
    pool: config.pool,
    clock: systemClock,
    notice,
  });
  const bug = (error: unknown): void => {
    notice("error", `a bug in everyspan: ${error instanceof Error ? error.stack : String(error)}`);
  };
  const sweep = createIdleSweep({
    look: () => openCalls.journalDue(),
    isIdle: () => openCalls.count() === 0,
  });
  const openCalls = createOpenCalls({
    providers: config.providers,
    clock,
    journal: exporter.journal,
    admitted: () => sweep.wake(),
    bug,
  });
  const { maxSizeBytes, retentionMs: keptMs } = config.tracing.ledger;
  const sizeBytes = maxSizeBytes * refusalShare;
  const refusals = createRefusalBudget(systemClock, { sizeBytes, keptMs });
  const metrics = createGatewayMetrics();
  const noteUnpriced = createUnpricedModels(notice);
  let draining = false;
  let hurried = false;
  let isExporting = false;

  const ledger = await exporter.ready;
  if (ledger.fatal) {
    await Promise.all([exporter.stop(0), pool.stop()]);
    throw new StartError(ledger.error);
  }
  try {
    await pool.ready;
  } catch (error) {
    await Promise.all([exporter.stop(0), pool.stop()]);
    throw new StartError(`the worker threads do not start: ${String(error)}`);
  }
  const account = createSpanAccount(exporter, openCalls);
  await account(); // what earlier processes recorded is known before anything is added

  const app = createApp({
    config,
    clock,
    ids: createIdSource(),
    writer: createSpanWriter(),
    authenticator: createAuthenticator(config.server.keys),
    pool,
    exporter,
    openCalls,
    refusals,
    sampler: createSampler(config.tracing.sampler),
    refusesNow() {
      if (draining) return new GatewayError("draining", "everyspan is shutting down");
      if (config.tracing.ledger.onFailure === "refuse" && !exporter.health().ledgerUp) {
        return new GatewayError("ledger_unavailable", "the ledger cannot be written");
      }
      if (pool.isFull()) {
        // Told before the body is read: at overload a refusal has to be cheap.
        return new GatewayError("overloaded", "the queue is full");
      }
      return undefined;
    },
    report(report, endedMs) {
      metrics.record(report, endedMs);
      noteUnpriced(report.outcome);
      options.onCall?.(report, endedMs - report.call.startedMs);
    },
    readiness() {
      const { ledgerUp, reasons } = exporter.health();
      const refusing = config.tracing.ledger.onFailure === "refuse" && !ledgerUp;
      const threads = pool.threads();
      const unable = draining ? ["draining"] : threads === 0 ? ["no worker thread"] : [];
      const healing = threads > 0 && threads < config.pool.threads;
      const few = `${threads} of ${config.pool.threads} worker threads, others are being replaced`;
      const all = [...unable, ...(healing ? [few] : []), ...reasons];
      const status =
        unable.length > 0 || refusing ? "unavailable" : all.length > 0 ? "degraded" : "ok";
      return Response.json(all.length === 0 ? { status } : { status, reasons: all }, {
        status: status === "unavailable" ? 503 : 200,
      });
    },
    async metrics() {
      const { spans, ledger: kept } = await account();
      const text = metricsText(
        {
          spans,
          account: kept,
          callsInFlight: openCalls.count(),
          workerRestarts: pool.restarts(),
          refusedUntraced: refusals.untraced(),
        },
        metrics,
      );
      return new Response(replyBody(text), {
        headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
      });
    },
  });

  const { host, port, unix } = config.server;
  if (unix !== undefined) await removeStaleSocket(unix);
  const common = {
    // Beyond this Bun itself answers, without a body; the bound that clients meet is ours.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    idleTimeout: idleSeconds,
  };
  app.listen(
    unix === undefined
      ? { hostname: host, port, reusePort: false, ...common }
      : ({ unix, ...common } as never),
  );
  const server = app.server;
  if (server === null) throw new Error("the server did not start");
  sweep.start();

  const drain = createDrain({
    openCalls,
    pool,
    pendingRequests: () => server.pendingRequests,
    timeoutMs: config.server.drainTimeoutMs,
    notice,
  });

  return {
    url: unix === undefined ? `http://${urlHost(host)}:${server.port}` : `unix:${unix}`,
    ledgerError: ledger.error,
    account,
    hurry() {
      hurried = true;
      drain.hurry();
      if (isExporting) void exporter.stop(0);
    },
    async stop() {
      draining = true;
      await drain.run();
      sweep.stop();
      // No more connections; those that are open find calls refused until the end.
      void server.stop();
      isExporting = true;
      const last = await exporter.stop(hurried ? 0 : config.server.exportOnExitMs);
      await server.stop(true);
      await pool.stop();
      return { ledger: last, uncommittedSpans: exporter.unsettledSpans() };
    },
  };
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function startExporter({
  config,
  version,
  notice,
}: Pick<GatewayOptions, "config" | "version" | "notice">): ExporterThread {
  if (config.tracing.disabled) return createTracingOff();
  return createExporterThread({
    entry: threadEntry("exporter"),
    start: {
      tracing: JSON.stringify(config.tracing),
      resource: JSON.stringify(config.tracing.resource),
      version,
      run: Bun.randomUUIDv7(),
      keepsReserve: true,
    },
    wait: {
      waitsFor: config.tracing.replyWaitsFor,
      commitTimeoutMs: config.tracing.ledger.commitTimeoutMs,
      exportWaitMs: config.tracing.exportWaitMs,
    },
    clock: systemClock,
    notice,
  });
}
