// The exporter thread's heart: commits calls in groups, acknowledges them, feeds the destinations. It must never
// throw out of `receive`, acknowledge what is not in the ledger, or forget to count what it could not write.

import type { TracingConfig } from "../../config/schema.ts";
import type { Account, ExporterCommand, ExporterEvent } from "../../protocol/exporter-message.ts";
import { groupCommands, isCallCommand, spansAtStake, type CommitGroup } from "./commit-group.ts";
import { startDestinations } from "./destination-set.ts";
import type { Fetch } from "./destination-transport.ts";
import { createLedgerKeeper, type OpenedLedger } from "./ledger-keeper.ts";
import type { Ledger } from "./ledger.ts";
import { startMaintenance } from "./ledger-maintenance.ts";
import { startLedgerService } from "./ledger-service.ts";

export interface ExporterOptions {
  readonly tracing: TracingConfig;
  readonly resource: Readonly<Record<string, string>>;
  readonly version: string;
  readonly run: string;
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

/** One transaction takes at most so many commands, so that the first of a burst waits for few others. */
const groupMax = 1000;
/** Small enough that the stall of moving it stays within a few milliseconds. */
const logPagesMax = 1000;
/** What may wait in memory for a ledger that is down. */
const heldCharsMax = 64 * 1024 * 1024;

export function createExporter(options: ExporterOptions): Exporter {
  const { tracing, emit, nowMs } = options;
  let queue: ExporterCommand[] = [];
  let isScheduled = false;
  let isStopping = false;
  let unwrittenLost = 0;
  let lastHealth = "";
  let isReady = false;
  let isMovingLog = false;
  let holding: ReturnType<typeof setTimeout> | undefined;

  const notice = (level: "info" | "warning" | "error", text: string): void =>
    emit({ kind: "notice", level, text });

  const reportHealth = (): void => {
    const problem = service.problem();
    const reasons = [...(problem === "" ? [] : [problem]), ...destinations.problems()].join("\n");
    const health = `${problem === ""}\n${reasons}`;
    if (health === lastHealth) return;
    lastHealth = health;
    emit({ kind: "health", ledgerUp: problem === "", reasons });
  };

  const onUp = ({ ledger, interruptedCalls }: OpenedLedger): void => {
    clearTimeout(holding);
    holding = undefined;
    if (interruptedCalls > 0) {
      notice("warning", `${interruptedCalls} calls were open when the last process ended`);
    }
    if (!isReady) return;
    notice("info", `ledger ${ledger.file.path} is up again`);
    reportHealth();
    destinations.wake();
    schedule();
  };

  const onDown = (problem: string): void => {
    if (!isReady) return;
    notice("error", problem);
    reportHealth();
    schedule();
  };

  const keeper = createLedgerKeeper({ tracing, run: options.run, nowMs });
  const { path } = tracing.ledger;
  const service = startLedgerService({ path, keeper, nowMs, onUp, onDown });
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
    onStateChange: () => isReady && reportHealth(),
    onNotice: notice,
  });

  const account = (): Account => {
    const ledger = service.last()?.ledger;
    return {
      calls: ledger?.totals.calls ?? 0,
      committed: ledger?.totals.committed ?? 0,
      lost: (ledger?.totals.lost ?? 0) + unwrittenLost,
      openCalls: ledger?.openCalls() ?? 0,
      openSpans: ledger?.openSpans() ?? 0,
      destinations: destinations.accounts(),
    };
  };

  const failCalls = (commands: readonly ExporterCommand[], reason: string): void => {
    const calls = commands.filter(isCallCommand);
    if (calls.length === 0) return;
    for (const call of calls) unwrittenLost += spansAtStake(call);
    emit({ kind: "failed", calls: calls.map(({ call }) => call).join(" "), reason });
  };

  /** While the ledger is down, calls wait for it as long as a reply may wait, counted from its failure. */
  const hold = (): void => {
    const leftMs = service.downSinceMs() + tracing.ledger.commitTimeoutMs - nowMs();
    let chars = 0;
    for (const command of queue) if ("spans" in command) chars += command.spans.length;
    if (leftMs <= 0 || chars > heldCharsMax || service.isFatal() || isStopping) {
      const given = queue;
      queue = [];
      for (const command of given) if (command.kind === "lost") unwrittenLost += command.spanCount;
      failCalls(given, service.problem());
    } else if (holding === undefined && queue.length > 0) {
      holding = setTimeout(() => {
        holding = undefined;
        flush();
      }, leftMs + 1);
    }
  };

  /** Commits and acknowledges; on failure the ledger goes down and the commands wait at the queue's head. */
  const commit = ({ ledger, destinations: rows }: OpenedLedger, taken: ExporterCommand[]): void => {
    let group: CommitGroup;
    let spans = 0;
    try {
      group = groupCommands(taken, ledger.workerPart);
      const lost = unwrittenLost + group.lostSpans;
      const added = ledger.commit(group.calls, group.journals.values(), lost);
      unwrittenLost = 0;
      spans = added.spans;
      for (const row of rows.values()) row.addPending(added.sampledSpans);
      if (!ledger.file.isInPlace() || !ledger.file.isLogInPlace()) {
        queue = [...taken.filter(isCallCommand), ...queue];
        service.rescue();
        return;
      }
    } catch (error) {
      if (isAboutOneRow(error) && taken.length > 1) {
        for (const command of taken)
          commit({ ledger, destinations: rows } as OpenedLedger, [command]);
      } else if (isAboutOneRow(error)) {
        failCalls(taken, String(error));
      } else {
        queue = [...taken, ...queue];
        service.fail(error);
      }
      return;
    }
    if (group.calls.length > 0) {
      const calls = group.calls.map(({ call }) => call).join(" ");
      emit({ kind: "committed", calls, spanCount: spans });
      destinations.wake();
    }
    if (ledger.logPages() > logPagesMax) void moveLog(ledger);
  };

  /** A checkpoint syncs the log first; done off this thread beforehand, there is little left of it. */
  const moveLog = async (ledger: Ledger): Promise<void> => {
    if (isMovingLog) return;
    isMovingLog = true;
    await ledger.file.syncLog();
    isMovingLog = false;
    if (service.current()?.ledger !== ledger) return;
    try {
      ledger.moveLog("PASSIVE");
    } catch (error) {
      service.fail(error);
    }
  };

  const flush = (): void => {
    const opened = service.current();
    if (opened === undefined) return hold();
    const taken = queue.length > groupMax ? queue.slice(0, groupMax) : queue;
    queue = queue.length > groupMax ? queue.slice(groupMax) : [];
    if (queue.length > 0) schedule();
    if (taken.length > 0) commit(opened, taken);
  };

  const guardedFlush = (): void => {
    isScheduled = false;
    try {
      flush();
    } catch (error) {
      notice("error", `exporter: ${String(error)}`);
    }
  };

  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(guardedFlush);
  };

  const answerAccount = (request: number): void => {
    // Behind everything that came before it, so that a scrape after a quiet moment adds up.
    while (queue.length > 0 && service.current() !== undefined) flush();
    emit({ kind: "account", request, account: JSON.stringify(account()) });
  };

  const stop = async (exportMs: number): Promise<void> => {
    isStopping = true;
    while (queue.length > 0) flush();
    await destinations.drain(exportMs);
    await destinations.stop();
    while (queue.length > 0) flush();
    maintenance.stop();
    const final = account();
    for (const { name, pending } of final.destinations) {
      if (pending > 0) notice("warning", `${pending} spans wait in the ledger for ${name}`);
    }
    service.stop();
    emit({ kind: "stopped", account: JSON.stringify(final) });
    options.onStopped();
  };

  const maintenance = startMaintenance({
    limits: tracing.ledger,
    service,
    nowMs,
    isQuiet: () => queue.length === 0,
    onTick: destinations.wake,
    onNotice: notice,
  });

  emit({ kind: "ready", error: service.problem(), fatal: service.isFatal() });
  isReady = true;
  reportHealth();

  return {
    receive(command) {
      if (command.kind === "account") answerAccount(command.request);
      else if (command.kind === "stop") void stop(command.exportMs);
      else {
        queue.push(command);
        schedule();
      }
    },
  };
}

/** A row SQLite will never take, as opposed to a ledger in trouble. */
function isAboutOneRow(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code);
}
