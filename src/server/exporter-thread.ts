// The server's end of the exporter thread. Keeps every call's message until it is acknowledged, and what was told
// of the open ones; when the thread dies, its successor gets all of it again, which the ledger takes once (by
// call id). Loses nothing silently: what is given up is counted.

import { Worker } from "node:worker_threads";

import { spansOf } from "../protocol/command-size.ts";
import { eachEndedCall } from "../protocol/ended-rows.ts";
import type {
  Account,
  AcknowledgedCommand,
  ExporterCommand,
  ExporterEvent,
  ExporterStart,
} from "../protocol/exporter-message.ts";
import { writeExporterCommand } from "../protocol/exporter-words.ts";
import type { Word } from "../protocol/words.ts";
import { createIdleSweep } from "../timers/idle-sweep.ts";
import type { Clock } from "../tracing/recorder/clock.ts";
import { createKeptJournals } from "./kept-journals.ts";
import type { JournalCommand } from "./kept-journals.ts";
import { createLossNotice } from "./loss-notice.ts";
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
  /** Posts a call's end, or a batch's beginning. Resolves when its reply may leave, or is late; never rejects. */
  readonly commit: (command: AcknowledgedCommand) => Promise<CommitOutcome>;
  readonly journal: (command: JournalCommand) => void;
  /** What the worker of an open call has journaled, for the case that it is gone. */
  readonly workerPart: (call: string) => JournalCommand | undefined;
  readonly account: () => Promise<Account | undefined>;
  readonly health: () => ExporterHealth;
  /** Spans of calls handed over in this process, and those of them not yet settled. */
  readonly handedOverSpans: () => number;
  readonly unsettledSpans: () => number;
  /**
   * Commits what it has, exports for at most `exportMs`, and ends the thread; what comes later is not taken.
   * Called again it only shortens the export.
   */
  readonly stop: (exportMs: number) => Promise<Account | undefined>;
}

/** With so few calls to commit, waiting for others to come along would only cost time. */
const fewCalls = 4;
const restartAfterMs = 100;
const restartAfterMsMax = 5000;
/** A first thread that cannot even say what is wrong is not tried for ever. */
const startsMax = 5;
/** How often the replies that wait for their commit are looked after. */
const lateTimes = { everyMs: 50, idleEveryMs: 1000, calmMs: 1000 };
const accountWithinMs = 2000;
/** For the thread to close the ledger, on top of what it may wait for. */
const closeWithinMs = 1000;

export function createExporterThread(options: {
  readonly entry: string;
  readonly start: ExporterStart;
  readonly wait: ReplyWait;
  readonly clock: Clock;
  readonly notice: (level: "info" | "warning" | "error", text: string) => void;
}): ExporterThread {
  const { notice, clock } = options;
  const noteLoss = createLossNotice(notice);
  const unsettled = createUnsettledCalls(options.wait, clock);
  const journals = createKeptJournals();
  const accountRequests = new Map<number, (account: Account | undefined) => void>();
  let requests = 0;
  let health: ExporterHealth = { ledgerUp: false, reasons: ["starting"] };
  let exportUntilMs: number | undefined;
  let outbox: Word[] = [];
  let isUp = false;
  let isStopped = false;
  let failedStarts = 0;
  /** Given up while no thread was there to count it. */
  let lostSpans = 0;
  const ready = Promise.withResolvers<ExporterReady>();
  const stopped = Promise.withResolvers<Account | undefined>();
  let worker = startWorker();

  function startWorker(): Worker {
    const thread = new Worker(options.entry, { workerData: options.start });
    isUp = true;
    thread.on("message", (event: ExporterEvent) => {
      try {
        receive(event);
      } catch (error) {
        // A throw here would end the process, so it is told instead.
        notice("error", `exporter message: ${String(error)}`);
      }
    });
    thread.on("error", (error) => notice("error", `exporter thread: ${String(error)}`));
    thread.on("exit", lostThread);
    return thread;
  }

  function lostThread(): void {
    isUp = false;
    outbox = [];
    if (isStopped) return;
    failedStarts += 1;
    const restarting = "the exporter thread is being restarted";
    health = { ledgerUp: false, reasons: [restarting] };
    notice("error", restarting);
    if (failedStarts === startsMax) {
      ready.resolve({ error: "the exporter thread does not start", fatal: true });
    }
    const delayMs = restartAfterMs * 2 ** (failedStarts - 1);
    setTimeout(restart, Math.min(delayMs, restartAfterMsMax));
  }

  /** A new thread on the same ledger hears all that the last one may not have taken in. */
  function restart(): void {
    if (isStopped) return;
    worker = startWorker();
    const told: ExporterCommand[] = [...journals.commands(), ...unsettled.commands()];
    if (lostSpans > 0) told.push({ kind: "lost", spanCount: lostSpans });
    lostSpans = 0;
    for (const request of accountRequests.keys()) told.push({ kind: "account", request });
    if (exportUntilMs !== undefined) {
      told.push({ kind: "stop", exportMs: Math.max(0, exportUntilMs - clock()) });
    }
    for (const command of told) writeExporterCommand(outbox, command);
    flush();
  }

  /** Posted together at the end of this turn of the loop: a message costs more than what is in it. */
  function post(command: ExporterCommand): void {
    if (!isUp) return; // its successor hears of it in its own way
    const isFirst = outbox.length === 0;
    writeExporterCommand(outbox, command);
    if (unsettled.count() <= fewCalls) flush();
    else if (isFirst) setImmediate(flush);
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
        failedStarts = 0;
        ready.resolve(event);
        break;
      case "committed":
        unsettled.committed(event.calls.split(" "));
        break;
      case "failed": {
        const calls = event.calls.split(" ");
        noteLoss(calls.length, event.reason);
        unsettled.failed(calls);
        break;
      }
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
        notice(event.level, event.text);
        break;
      case "stopped":
        stopped.resolve(JSON.parse(event.account) as Account);
        break;
    }
  }

  function dropJournals(command: AcknowledgedCommand): void {
    if (command.kind === "rows") eachEndedCall(command, journals.drop);
    else journals.drop(command.call);
  }

  const late = createIdleSweep(
    { look: unsettled.releaseLate, isIdle: () => unsettled.waiting() === 0 },
    lateTimes,
  );
  late.start();

  return {
    ready: ready.promise,
    async commit(command) {
      dropJournals(command);
      if (exportUntilMs !== undefined) return "failed";
      late.wake();
      const outcome = unsettled.add(command);
      if (outcome !== undefined) {
        post(command);
        return outcome;
      }
      if (isUp) post({ kind: "lost", spanCount: spansOf(command) });
      else lostSpans += spansOf(command);
      return "failed";
    },
    journal(command) {
      journals.keep(command);
      post(command);
    },
    workerPart: journals.workerPart,
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
    health() {
      const waitedMs = clock() - (unsettled.oldestMs() ?? Number.POSITIVE_INFINITY);
      if (!health.ledgerUp || waitedMs < options.wait.commitTimeoutMs) return health;
      const silent = `the ledger has not answered for ${Math.round(waitedMs / 1000)} s`;
      return { ledgerUp: false, reasons: [silent, ...health.reasons] };
    },
    handedOverSpans: unsettled.handedOverSpans,
    unsettledSpans: unsettled.spans,
    async stop(exportMs) {
      const isFirst = exportUntilMs === undefined;
      exportUntilMs = clock() + exportMs;
      post({ kind: "stop", exportMs });
      flush();
      if (!isFirst) return stopped.promise;
      const withinMs = exportMs + options.wait.commitTimeoutMs + closeWithinMs;
      const patience = setTimeout(() => stopped.resolve(undefined), withinMs);
      const account = await stopped.promise;
      isStopped = true;
      clearTimeout(patience);
      late.stop();
      unsettled.releaseAll();
      // One that waits for its disk in a system call cannot be ended: the process's end will have to do.
      const left = Promise.withResolvers<void>();
      const leave = setTimeout(left.resolve, closeWithinMs);
      await Promise.race([worker.terminate(), left.promise]);
      clearTimeout(leave);
      return account;
    },
  };
}
