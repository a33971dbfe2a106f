// The server's end of the exporter thread. Keeps every call's message until it is acknowledged; when the
// thread dies, its successor gets them all again, which the ledger takes once (by call id). Loses nothing
// silently: what cannot be committed is counted.

import { Worker } from "node:worker_threads";

import type {
  Account,
  CallCommand,
  ExporterCommand,
  ExporterEvent,
  ExporterStart,
} from "../protocol/exporter-message.ts";
import type { Clock } from "../tracing/recorder/clock.ts";

/** How a call's commit ended, as far as its reply is concerned. */
export type CommitOutcome = "committed" | "failed" | "late";

export interface ExporterHealth {
  readonly ledgerUp: boolean;
  readonly reasons: readonly string[];
}

export interface ExporterThread {
  /** Resolves when the exporter runs, whether or not its ledger could be opened; says why not. */
  readonly ready: Promise<string>;
  /** Posts a call's end. Resolves when it is committed, has failed, or is late; never rejects. */
  readonly commit: (command: CallCommand) => Promise<CommitOutcome>;
  readonly journal: (command: Extract<ExporterCommand, { kind: "journal" }>) => void;
  readonly account: () => Promise<Account | undefined>;
  readonly health: () => ExporterHealth;
  /** Spans of calls handed over in this process, and those of them not yet settled. */
  readonly handedOverSpans: () => number;
  readonly unsettledSpans: () => number;
  readonly stop: (exportMs: number) => Promise<Account | undefined>;
}

interface Pending {
  readonly command: CallCommand;
  readonly sinceMs: number;
  resolve: ((outcome: CommitOutcome) => void) | undefined;
}

const restartAfterMs = 100;
const lateCheckMs = 50;
const accountWithinMs = 2000;

export function createExporterThread(options: {
  readonly entry: string;
  readonly start: ExporterStart;
  readonly commitTimeoutMs: number;
  readonly clock: Clock;
  readonly notice: (level: "info" | "warning" | "error", text: string) => void;
}): ExporterThread {
  const pending = new Map<string, Pending>();
  const accountRequests = new Map<number, (account: Account | undefined) => void>();
  let requests = 0;
  let unsettledSpans = 0;
  let handedOverSpans = 0;
  let health: ExporterHealth = { ledgerUp: false, reasons: ["starting"] };
  let stopping = false;
  let settleReady: (error: string) => void;
  const ready = new Promise<string>((resolve) => {
    settleReady = resolve;
  });
  let settleStopped: ((account: Account | undefined) => void) | undefined;
  let worker = startWorker();

  function startWorker(): Worker {
    const thread = new Worker(options.entry, { workerData: options.start });
    thread.on("message", (event: ExporterEvent) => {
      try {
        receive(event);
      } catch (error) {
        // A throw here would end the process (facts of the runtime), so it is told instead.
        options.notice("error", `exporter message: ${String(error)}`);
      }
    });
    thread.on("error", (error) => options.notice("error", `exporter thread: ${String(error)}`));
    thread.on("exit", () => {
      if (stopping) {
        settleStopped?.(undefined);
        return;
      }
      health = { ledgerUp: false, reasons: ["the exporter thread is being restarted"] };
      setTimeout(() => {
        if (stopping) return;
        worker = startWorker();
        for (const { command } of pending.values()) worker.postMessage(command);
      }, restartAfterMs);
    });
    return thread;
  }

  function receive(event: ExporterEvent): void {
    switch (event.kind) {
      case "ready":
        health = {
          ledgerUp: event.error === "",
          reasons: event.error === "" ? [] : [`ledger: ${event.error}`],
        };
        settleReady(event.error);
        break;
      case "committed":
        settleCommitted(event.calls.split(" "), event.spanCount);
        break;
      case "failed":
        options.notice("error", `spans lost, not committed: ${event.reason}`);
        for (const call of event.calls.split(" ")) settle(call, "failed");
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
        settleStopped?.(JSON.parse(event.account) as Account);
        break;
    }
  }

  function settleCommitted(calls: readonly string[], committedSpans: number): void {
    let known = 0;
    for (const call of calls) known += settle(call, "committed");
    // What the exporter added from the journal of a lost worker was recorded too.
    handedOverSpans += Math.max(0, committedSpans - known);
  }

  function settle(call: string, outcome: "committed" | "failed"): number {
    const entry = pending.get(call);
    if (entry === undefined) return 0;
    pending.delete(call);
    unsettledSpans -= entry.command.spanCount;
    entry.resolve?.(outcome);
    return entry.command.spanCount;
  }

  // Oldest first, so the walk ends at the first call that still has time.
  const lateTimer = setInterval(() => {
    const before = options.clock() - options.commitTimeoutMs;
    for (const entry of pending.values()) {
      if (entry.sinceMs > before) break;
      entry.resolve?.("late");
      entry.resolve = undefined;
    }
  }, lateCheckMs);

  return {
    ready,
    commit(command) {
      unsettledSpans += command.spanCount;
      handedOverSpans += command.spanCount;
      return new Promise((resolve) => {
        pending.set(command.call, { command, sinceMs: options.clock(), resolve });
        worker.postMessage(command);
      });
    },
    journal: (command) => worker.postMessage(command),
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
        worker.postMessage({ kind: "account", request });
      });
    },
    health: () => health,
    handedOverSpans: () => handedOverSpans,
    unsettledSpans: () => unsettledSpans,
    async stop(exportMs) {
      stopping = true;
      clearInterval(lateTimer);
      const account = await new Promise<Account | undefined>((resolve) => {
        const timer = setTimeout(() => resolve(undefined), exportMs + options.commitTimeoutMs);
        settleStopped = (last) => {
          clearTimeout(timer);
          resolve(last);
        };
        worker.postMessage({ kind: "stop", exportMs });
      });
      await worker.terminate();
      return account;
    },
  };
}
