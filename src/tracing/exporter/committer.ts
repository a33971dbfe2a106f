// The queue between the port and the ledger, exporter thread: commits what has arrived in one transaction per
// loop turn, acknowledges it, holds calls for a ledger that is down, gives up loudly. It must never acknowledge
// what is not in the ledger, nor forget to count what it could not write.

import { charsOf, spansOf } from "../../protocol/command-size.ts";
import type { ExporterCommand, ExporterEvent } from "../../protocol/exporter-message.ts";
import { groupCommands, isAcknowledged } from "./commit-group.ts";
import type { OpenedLedger } from "./ledger-keeper.ts";
import type { LedgerService } from "./ledger-service.ts";
import type { RoomPlan } from "./ledger-room.ts";
import type { Ledger } from "./ledger.ts";

export type WriteCommand = Exclude<ExporterCommand, { kind: "account" | "stop" }>;

export interface CommitterOptions {
  readonly service: LedgerService;
  /** What one transaction and the log may take; it follows the size of the volume. */
  readonly plan: () => Pick<RoomPlan, "groupCharsMax" | "logPagesMax" | "logPagesLimit">;
  /** How long calls wait for a ledger that went down. */
  readonly commitTimeoutMs: number;
  readonly nowMs: () => number;
  readonly emit: (event: ExporterEvent) => void;
  /** These calls, joined by a space, are in the ledger; `throughSeq` is the last one's place or beyond. */
  readonly onCommitted: (calls: string, throughSeq: number) => void;
}

export interface Committer {
  receive(command: WriteCommand): void;
  /** The ledger went up or down. */
  ledgerChanged(): void;
  isQuiet(): boolean;
  /** Lost and not yet told to the ledger. */
  unwrittenLost(): number;
  /** Tells the ledger of them even while its disk is full: they are a few bytes, and the process may end. */
  saveLost(): void;
  /** Commits all that waits, as far as the ledger is up. */
  flushAll(): void;
  /** Commits all that waits, or gives it up when the ledger does not come back in time. */
  finish(): Promise<void>;
}

/** One transaction takes at most so many commands, so that the first of a burst waits for few others. */
const groupMax = 1000;
/** What may wait in memory for a ledger that is down, in characters. */
const heldCharsMax = 64 * 1024 * 1024;

export function createCommitter(options: CommitterOptions): Committer {
  const { service, emit, nowMs } = options;
  let queue: WriteCommand[] = [];
  /** Written to a file that was taken away: not lost until it turns out that it cannot be written back. */
  let adrift: WriteCommand[] = [];
  let isScheduled = false;
  let isFinishing = false;
  let isMovingLog = false;
  let unwrittenLost = 0;
  let heldChars = 0;
  /** Of all that has failed since a commit went well: a ledger may come up only to fail again. */
  let failingSinceMs: number | undefined;
  let holding: ReturnType<typeof setTimeout> | undefined;

  const isQuiet = (): boolean => queue.length + adrift.length === 0;

  const giveUp = (commands: readonly WriteCommand[], reason: string): void => {
    for (const command of commands) unwrittenLost += spansOf(command);
    const waiting = commands.filter(isAcknowledged);
    if (waiting.length === 0) return;
    emit({ kind: "failed", calls: waiting.map(({ call }) => call).join(" "), reason });
  };

  /** Calls wait as long as a reply may wait, counted from the ledger's failure: later ones not at all. */
  const hold = (): void => {
    const sinceMs = failingSinceMs ?? service.downSinceMs();
    const leftMs = sinceMs + options.commitTimeoutMs - nowMs();
    if (leftMs <= 0 || heldChars > heldCharsMax || service.isFatal()) {
      const given = queue;
      queue = [];
      heldChars = 0;
      giveUp(given, service.problem());
    } else {
      holding ??= setTimeout(() => {
        holding = undefined;
        flush();
      }, leftMs + 1);
    }
  };

  /** From the queue what one transaction takes: one command, and more as long as they are few and short. */
  const takeGroup = (): WriteCommand[] => {
    const { groupCharsMax } = options.plan();
    let [count, chars] = [0, 0];
    for (const command of queue) {
      if (count === groupMax || chars > groupCharsMax) break;
      chars += charsOf(command);
      count += 1;
    }
    const taken = count < queue.length ? queue.slice(0, count) : queue;
    queue = count < queue.length ? queue.slice(count) : [];
    return taken;
  };

  const flush = (): void => {
    const opened = service.forCalls();
    if (opened === undefined) return hold();
    heldChars = 0;
    if (adrift.length > 0) queue = [...adrift.splice(0), ...queue];
    const taken = takeGroup();
    if (queue.length > 0) schedule();
    if (taken.length > 0 || unwrittenLost > 0) commit(opened, taken);
    // What comes again comes first and all at once: to a new thread in one message, on a file made anew from here.
    if (taken.length > 0 && isQuiet() && service.forCalls() === opened)
      opened.ledger.forgetResent();
  };

  const commit = (opened: OpenedLedger, taken: readonly WriteCommand[]): void => {
    const { ledger } = opened;
    try {
      const group = groupCommands(taken, ledger.workerPart);
      const lost = unwrittenLost + group.lostSpans;
      const added = ledger.commit(group.calls, group.journals.values(), lost, group);
      unwrittenLost = 0;
      failingSinceMs = undefined;
      for (const row of opened.destinations.values()) row.addPending(added.sampledSpans);
      if (!ledger.file.isInPlace() || !ledger.file.isLogInPlace()) {
        // The same calls again on the file that takes its place: known ones change nothing.
        adrift = [...adrift, ...taken.filter(isAcknowledged)];
        return service.rescue();
      }
      const calls = group.names.join(" ");
      if (calls !== "") emit({ kind: "committed", calls, spanCount: added.spans });
      if (group.calls.length > 0) options.onCommitted(calls, ledger.totals.lastSeq);
    } catch (error) {
      if (!isAboutOneRow(error)) {
        queue = [...taken, ...queue];
        heldChars = queue.reduce((sum, command) => sum + charsOf(command), 0);
        failingSinceMs ??= nowMs();
        service.fail(error);
      } else if (taken.length > 1) {
        commitSingly(opened, taken);
      } else {
        giveUp(taken, String(error));
      }
      return;
    }
    const pages = ledger.logPages();
    const { logPagesMax, logPagesLimit } = options.plan();
    if (pages > logPagesLimit) moveLogNow(ledger);
    else if (pages > logPagesMax) void moveLog(ledger);
  };

  const commitSingly = (opened: OpenedLedger, commands: readonly WriteCommand[]): void => {
    const later = queue;
    queue = [];
    for (const command of commands) {
      if (service.forCalls() === opened) commit(opened, [command]);
      else queue.push(command);
    }
    queue = [...queue, ...later];
  };

  /** A checkpoint syncs the log first; done off this thread beforehand, little of that is left. */
  const moveLog = async (ledger: Ledger): Promise<void> => {
    if (isMovingLog) return;
    isMovingLog = true;
    await ledger.file.syncLog();
    isMovingLog = false;
    if (service.current()?.ledger === ledger) moveLogNow(ledger);
  };

  const moveLogNow = (ledger: Ledger): void => {
    try {
      ledger.moveLog("PASSIVE");
    } catch (error) {
      service.fail(error);
    }
  };

  const saveLost = (): void => {
    const ledger = service.isFull() ? service.current()?.ledger : undefined;
    if (unwrittenLost === 0 || ledger === undefined) return;
    try {
      ledger.commit([], [], unwrittenLost);
      unwrittenLost = 0;
    } catch (error) {
      service.fail(error);
    }
  };

  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      try {
        flush();
      } catch (error) {
        emit({ kind: "notice", level: "error", text: `exporter: ${String(error)}` });
      }
    });
  };

  const flushAll = (): void => {
    while (!isQuiet() && service.forCalls() !== undefined) flush();
  };

  return {
    receive(command) {
      queue.push(command);
      if (service.forCalls() === undefined) heldChars += charsOf(command);
      if (isFinishing) flush();
      else schedule();
    },
    ledgerChanged() {
      clearTimeout(holding);
      holding = undefined;
      schedule();
    },
    isQuiet,
    unwrittenLost: () => unwrittenLost,
    saveLost,
    flushAll,
    async finish() {
      flushAll();
      const deadline = nowMs() + options.commitTimeoutMs;
      while (!isQuiet() && nowMs() < deadline) {
        flush();
        if (!isQuiet()) await Bun.sleep(5);
      }
      clearTimeout(holding);
      giveUp([...adrift.splice(0), ...queue], service.problem());
      queue = [];
      if (unwrittenLost > 0) flush();
      saveLost();
      isFinishing = true;
    },
  };
}

/** A row SQLite will never take, as opposed to a ledger in trouble. */
function isAboutOneRow(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code);
}
