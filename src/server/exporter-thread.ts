// The server's end of the exporter thread. Keeps every call's message until it is acknowledged; when the
// thread dies, its successor gets them all again, which the ledger takes once (by call id). Loses nothing
// silently: what is given up is counted.

import { Worker } from "node:worker_threads";

import type {
  Account,
  CallCommand,
  ExporterCommand,
  ExporterEvent,
  ExporterStart,
} from "../protocol/exporter-message.ts";
import type { Clock } from "../tracing/recorder/clock.ts";
import { createUnsettledCalls } from "./unsettled-calls.ts";
import type { CommitOutcome, ReplyWait } from "./unsettled-calls.ts";

export interface ExporterHealth {
  readonly ledgerUp: boolean;
  readonly reasons: readonly string[];
}

/** What the exporter said when it was up. `fatal`: only a person can help, `serve` should end. */
export interface ExporterReady {
  readonly error: string;
  readonly fatal: boolean;
}

export interface ExporterThread {
  readonly ready: Promise<ExporterReady>;
  /** Posts a call's end. Resolves when its reply may leave, or is late; never rejects. */
  readonly commit: (command: CallCommand) => Promise<CommitOutcome>;
  readonly journal: (command: Extract<ExporterCommand, { kind: "journal" }>) => void;
  readonly account: () => Promise<Account | undefined>;
  readonly health: () => ExporterHealth;
  /** Spans of calls handed over in this process, and those of them not yet settled. */
  readonly handedOverSpans: () => number;
  readonly unsettledSpans: () => number;
  readonly stop: (exportMs: number) => Promise<Account | undefined>;
}

const restartAfterMs = 100;
const lateCheckMs = 50;
const accountWithinMs = 2000;

export function createExporterThread(options: {
  readonly entry: string;
  readonly start: ExporterStart;
  readonly wait: ReplyWait;
  readonly clock: Clock;
  readonly notice: (level: "info" | "warning" | "error", text: string) => void;
}): ExporterThread {
  const unsettled = createUnsettledCalls(options.wait, options.clock);
  const accountRequests = new Map<number, (account: Account | undefined) => void>();
  let requests = 0;
  let health: ExporterHealth = { ledgerUp: false, reasons: ["starting"] };
  let stopping = false;
  let outbox: ExporterCommand[] = [];
  const ready = Promise.withResolvers<ExporterReady>();
  const stopped = Promise.withResolvers<Account | undefined>();
  let worker = startWorker();

  function startWorker(): Worker {
    const thread = new Worker(options.entry, { workerData: options.start });
    thread.on("message", (event: ExporterEvent) => {
      try {
        receive(event);
      } catch (error) {
        // A throw here would end the process, so it is told instead.
        options.notice("error", `exporter message: ${String(error)}`);
      }
    });
    thread.on("error", (error) => options.notice("error", `exporter thread: ${String(error)}`));
    thread.on("exit", () => {
      if (stopping) {
        stopped.resolve(undefined);
        return;
      }
      health = { ledgerUp: false, reasons: ["the exporter thread is being restarted"] };
      setTimeout(() => {
        if (stopping) return;
        worker = startWorker();
        outbox = [];
        worker.postMessage(unsettled.commands());
      }, restartAfterMs);
    });
    return thread;
  }

  /** Posted together at the end of this turn of the loop: a message costs more than what is in it. */
  function post(command: ExporterCommand): void {
    outbox.push(command);
    if (outbox.length === 1) setImmediate(flush);
  }

  function flush(): void {
    if (outbox.length === 0) return;
    worker.postMessage(outbox);
    outbox = [];
  }

  function receive(event: ExporterEvent): void {
    switch (event.kind) {
      case "ready":
        health = {
          ledgerUp: event.error === "",
          reasons: event.error === "" ? [] : [`ledger: ${event.error}`],
        };
        ready.resolve(event);
        break;
      case "committed":
        unsettled.committed(event.calls.split(" "), event.spanCount);
        break;
      case "failed":
        options.notice("error", `spans lost, not committed: ${event.reason}`);
        unsettled.failed(event.calls.split(" "));
        break;
      case "exported":
        unsettled.exported(event.calls.split(" "));
        break;
      case "account":
        accountRequests.get(event.request)?.(JSON.parse(event.account) as Account);
        accountRequests.delete(event.request);
        break;
      case "health":
        health = {
          ledgerUp: event.ledgerUp,
          reasons: event.reasons === "" ? [] : event.reasons.split("\n"),
        };
        break;
      case "notice":
        options.notice(event.level, event.text);
        break;
      case "stopped":
        stopped.resolve(JSON.parse(event.account) as Account);
        break;
    }
  }

  const lateTimer = setInterval(() => unsettled.releaseLate(), lateCheckMs);

  return {
    ready: ready.promise,
    async commit(command) {
      const outcome = unsettled.add(command);
      if (outcome === undefined) {
        post({ kind: "lost", spanCount: command.spanCount });
        return "failed";
      }
      post(command);
      return outcome;
    },
    journal: post,
    account() {
      return new Promise((resolve) => {
        const request = ++requests;
        const timer = setTimeout(() => {
          accountRequests.delete(request);
          resolve(undefined);
        }, accountWithinMs);
        accountRequests.set(request, (account) => {
          clearTimeout(timer);
          resolve(account);
        });
        post({ kind: "account", request });
      });
    },
    health: () => health,
    handedOverSpans: unsettled.handedOverSpans,
    unsettledSpans: unsettled.spans,
    async stop(exportMs) {
      stopping = true;
      clearInterval(lateTimer);
      post({ kind: "stop", exportMs });
      flush();
      const patience = Bun.sleep(exportMs + options.wait.commitTimeoutMs);
      const account = await Promise.race([stopped.promise, patience.then(() => undefined)]);
      await worker.terminate();
      return account;
    },
  };
}
