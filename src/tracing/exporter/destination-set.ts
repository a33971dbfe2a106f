// All destinations of one exporter: started once, woken together, each on its own cursor. Exporter thread.

import type { DestinationConfig, TracingConfig } from "../../config/schema.ts";
import type { DestinationAccount } from "../../protocol/exporter-message.ts";
import { startDestination, type Destination } from "./destination.ts";
import { createTransport, type Fetch } from "./destination-transport.ts";
import { settleDestination } from "./dialects/destination-dialect.ts";
import type { DestinationLedger } from "./ledger-destinations.ts";
import type { BatchCall } from "./ledger-rows.ts";
import type { LedgerService } from "./ledger-service.ts";
import { jsonRequest } from "./otlp-json.ts";
import { protobufRequest, type OtlpEnvelope, type RequestBuilder } from "./otlp-request.ts";

export interface DestinationSetOptions {
  readonly tracing: TracingConfig;
  readonly envelope: OtlpEnvelope;
  readonly service: LedgerService;
  readonly fetch: Fetch;
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly onStateChange: () => void;
  /** A cursor may have moved. */
  readonly onProgress: () => void;
  readonly onNotice: (level: "info" | "warning" | "error", text: string) => void;
}

export interface DestinationSet {
  /** Calls were committed. */
  wake(): void;
  accounts(): DestinationAccount[];
  /** One line per destination in trouble. */
  problems(): string[];
  /** Resolves when all is delivered that can be, or at the deadline. */
  drain(timeoutMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** Uncompressed; well below the smallest receiver limit known (20 MiB). */
const requestBytesMax = 4 * 1024 * 1024;

/** Well below a millisecond. */
const sliceBytes = 128 * 1024;

export function startDestinations(options: DestinationSetOptions): DestinationSet {
  const all = options.tracing.destinations.map((config) => start(config, options));
  return {
    wake() {
      for (const destination of all) destination.wake();
    },
    accounts() {
      const ledgers = options.service.last()?.destinations;
      return all.flatMap((destination) => {
        const account = ledgers?.get(destination.name)?.account();
        if (account === undefined) return [];
        return [{ ...account, state: destination.state(), lastError: destination.lastError() }];
      });
    },
    problems: () =>
      all
        .filter((destination) => destination.state() !== "active")
        .map(
          (destination) =>
            `destination ${destination.name} is ${destination.state()}: ${destination.lastError()}`,
        ),
    async drain(timeoutMs) {
      const deadline = options.nowMs() + timeoutMs;
      for (const destination of all) destination.hurry();
      const isDone = (): boolean =>
        options.service.current() === undefined ||
        all.every((destination) => destination.isSettled());
      while (options.nowMs() < deadline && !isDone()) await Bun.sleep(5);
    },
    async stop() {
      await Promise.all(all.map((destination) => destination.stop()));
    },
  };
}

function start(configured: DestinationConfig, options: DestinationSetOptions): Destination {
  const { service, tracing, envelope } = options;
  const { config, translate, notices } = settleDestination(configured);
  for (const text of notices) options.onNotice("info", text);
  const request =
    config.protocol === "http/json"
      ? jsonRequest(envelope, translate)
      : protobufRequest(envelope, translate);
  return startDestination({
    name: config.name,
    limits: { calls: tracing.maxExportBatch, sizeBytes: requestBytesMax },
    delayMs: tracing.replyWaitsFor === "export" ? 0 : tracing.exportDelayMs,
    send: createTransport({
      destination: config,
      fetch: options.fetch,
      nowMs: options.nowMs,
      userAgent: `everyspan/${envelope.scopeVersion}`,
    }),
    build: (calls) => build(request, calls),
    async onLedger(work) {
      const result = await onLedger(service, config.name, work);
      options.onProgress();
      return result;
    },
    onStateChange(state, lastError) {
      options.onStateChange();
      void onLedger(service, config.name, (ledger) => ledger.noteState(state, lastError));
    },
    onNotice: options.onNotice,
    random: options.random,
  });
}

/** In slices, because commits wait behind each. */
async function build(request: RequestBuilder, calls: readonly BatchCall[]): Promise<Uint8Array> {
  let sinceBreak = 0;
  request.begin();
  for (const { spans } of calls) {
    request.add(spans);
    sinceBreak += spans.length;
    if (sinceBreak < sliceBytes) continue;
    sinceBreak = 0;
    await new Promise((next) => setImmediate(next));
  }
  return request.finish();
}

/** A failing ledger is taken down, and the work done again on the next one: it must bear repeating. */
async function onLedger<T>(
  service: LedgerService,
  name: string,
  work: (ledger: DestinationLedger) => T,
): Promise<T | undefined> {
  do {
    const ledger = service.current()?.destinations.get(name);
    if (ledger === undefined) continue;
    try {
      return work(ledger);
    } catch (error) {
      service.fail(error);
    }
  } while (await service.whenUp());
  return undefined;
}
