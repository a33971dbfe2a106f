// The exporter thread put together: ledger, committer, destinations, upkeep; its life from `ready` to `stopped`.
// It must never throw out of `receive`.

import type { TracingConfig } from "../../config/schema.ts";
import type { Account, ExporterCommand, ExporterEvent } from "../../protocol/exporter-message.ts";
import { createCommitter } from "./committer.ts";
import { startDestinations } from "./destination-set.ts";
import type { Fetch } from "./destination-transport.ts";
import { createExportWaiters } from "./export-waiters.ts";
import { createLedgerKeeper, type OpenedLedger } from "./ledger-keeper.ts";
import { startMaintenance } from "./ledger-maintenance.ts";
import { createLedgerReserve } from "./ledger-reserve.ts";
import { planRoom } from "./ledger-room.ts";
import { startLedgerService } from "./ledger-service.ts";

export interface ExporterOptions {
  readonly tracing: TracingConfig;
  readonly resource: Readonly<Record<string, string>>;
  readonly version: string;
  readonly run: string;
  /** Whether room is kept back on the ledger's volume. */
  readonly keepsReserve: boolean;
  readonly emit: (event: ExporterEvent) => void;
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly fetch: Fetch;
  /** Called once all is closed. */
  readonly onStopped: () => void;
}

export interface Exporter {
  receive(command: ExporterCommand): void;
}

/** A disk that is full, and has a little room by turns, for as long as a destination takes less than comes. */
const fullToldEveryMs = 60_000;

export function createExporter(options: ExporterOptions): Exporter {
  const { tracing, emit, nowMs } = options;
  let lastHealth = "";
  let toldFullAtMs = -Infinity;
  let isDownTold = true; // if it is, `ready` says so
  let isReady = false;

  const notice = (level: "info" | "warning" | "error", text: string): void =>
    emit({ kind: "notice", level, text });

  const tellDown = (problem: string): void => {
    if (service.isFull()) toldFullAtMs = nowMs();
    isDownTold = true;
    notice("error", problem);
  };

  const reportHealth = (): void => {
    if (!isReady) return;
    const problem = service.problem();
    const reasons = [...(problem === "" ? [] : [problem]), ...destinations.problems()].join("\n");
    const health = `${problem === ""}\n${reasons}`;
    if (health === lastHealth) return;
    lastHealth = health;
    emit({ kind: "health", ledgerUp: problem === "", reasons });
  };

  const onUp = ({ ledger, interruptedCalls }: OpenedLedger): void => {
    if (interruptedCalls > 0) {
      const calls = interruptedCalls === 1 ? "1 call was" : `${interruptedCalls} calls were`;
      notice("warning", `${calls} open when the last process ended`);
    }
    if (!isReady) return;
    if (isDownTold) notice("info", `ledger ${ledger.file.path} is up again`);
    isDownTold = false;
    reportHealth();
    committer.ledgerChanged();
    destinations.wake();
  };

  const onDown = (problem: string): void => {
    if (!isReady) return;
    const isOldNews = service.isFull() && nowMs() - toldFullAtMs < fullToldEveryMs;
    if (!isOldNews) tellDown(problem);
    reportHealth();
    committer.ledgerChanged();
    if (service.isFull()) maintenance.hurry();
  };

  const keeper = createLedgerKeeper({ tracing, run: options.run, nowMs });
  const { path } = tracing.ledger;
  const reserve = options.keepsReserve ? createLedgerReserve(path) : undefined;
  const service = startLedgerService({
    path,
    keeper,
    reserve,
    nowMs,
    onUp,
    onDown,
    onNotice: (text) => notice("error", text),
  });

  const waiters = createExportWaiters({
    waitMs: tracing.exportWaitMs,
    nowMs,
    onExported: (calls) => emit({ kind: "exported", calls }),
  });

  const tellExported = (): void => {
    const opened = service.current();
    let doneThrough = Infinity;
    for (const row of opened?.destinations.values() ?? []) {
      doneThrough = Math.min(doneThrough, row.doneThrough());
    }
    opened?.ledger.recent.forget(doneThrough);
    waiters.done(doneThrough);
  };

  const destinations = startDestinations({
    tracing,
    envelope: {
      resource: { ...options.resource, ...tracing.resource },
      scopeName: "everyspan",
      scopeVersion: options.version,
    },
    service,
    fetch: options.fetch,
    nowMs,
    random: options.random,
    onStateChange: reportHealth,
    onProgress: tellExported,
    onNotice: notice,
  });

  // The folder is there by now; a flood of calls does not wait for the first look at its volume.
  reserve?.room();
  const anyPlan = planRoom(Infinity);
  const committer = createCommitter({
    service,
    plan: () => reserve?.plan() ?? anyPlan,
    commitTimeoutMs: tracing.ledger.commitTimeoutMs,
    nowMs,
    emit,
    onCommitted(calls, throughSeq) {
      destinations.wake();
      if (tracing.replyWaitsFor !== "export") return;
      waiters.add(calls, throughSeq);
      tellExported();
    },
  });

  const maintenance = startMaintenance({
    limits: tracing.ledger,
    service,
    reserve,
    nowMs,
    isQuiet: committer.isQuiet,
    onTick() {
      committer.saveLost();
      destinations.wake();
    },
    onNotice: notice,
  });

  const account = (): Account => {
    const ledger = service.last()?.ledger;
    return {
      calls: ledger?.totals.calls ?? 0,
      committed: ledger?.totals.committed ?? 0,
      lost: (ledger?.totals.lost ?? 0) + committer.unwrittenLost(),
      openCalls: ledger?.openCalls() ?? 0,
      openSpans: ledger?.openSpans() ?? 0,
      destinations: destinations.accounts(),
    };
  };

  const stop = async (exportMs: number): Promise<void> => {
    await committer.finish();
    await destinations.drain(exportMs);
    const stopping = destinations.stop();
    // A destination may wait for a ledger that will not come back; stopping the ledger releases it.
    await Promise.race([stopping, Bun.sleep(service.current() === undefined ? 0 : 500)]);
    maintenance.stop();
    const final = account();
    for (const { name, pending } of final.destinations) {
      if (pending > 0) notice("warning", `${pending} spans wait in the ledger for ${name}`);
    }
    service.stop();
    await stopping;
    emit({ kind: "stopped", account: JSON.stringify(final) });
    options.onStopped();
  };

  isReady = true;
  // A ledger whose disk is full is up for its destinations, and health says the rest.
  const problem = service.problem();
  const isOpen = service.current() !== undefined;
  emit({ kind: "ready", error: isOpen ? "" : problem, fatal: service.isFatal() });
  if (isOpen && problem !== "") tellDown(problem);
  reportHealth();

  return {
    receive(command) {
      if (command.kind === "account") {
        // Behind everything that came before it, so that a scrape after a quiet moment adds up.
        committer.flushAll();
        const { request } = command;
        emit({ kind: "account", request, account: JSON.stringify(account()) });
      } else if (command.kind === "stop") {
        void stop(command.exportMs);
      } else {
        committer.receive(command);
      }
    },
  };
}
