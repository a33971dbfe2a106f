// Whether the ledger is up, exporter thread: takes it down after a failure, opens it again with back-off, lets
// others wait for it. Nobody else opens or closes it.

import type { KeeperAttempt, LedgerKeeper, OpenedLedger } from "./ledger-keeper.ts";
import { ledgerProblem } from "./ledger-file.ts";
import type { Ledger } from "./ledger.ts";

export interface LedgerService {
  /** Undefined while the ledger is down. */
  current(): OpenedLedger | undefined;
  /** The one that was up last: its figures stand while the ledger is down. */
  last(): OpenedLedger | undefined;
  /** Why it is down; empty when it is up. */
  problem(): string;
  /** When it went down, in milliseconds since the epoch. */
  downSinceMs(): number;
  /** Only a person can help. */
  isFatal(): boolean;
  /** Something went wrong in using it: down, and up again as soon as it can be. */
  fail(error: unknown): void;
  /** The file was taken away under us. */
  rescue(): void;
  /** True once it is up, false when it is stopped. */
  whenUp(): Promise<boolean>;
  stop(): void;
}

export interface LedgerServiceOptions {
  readonly path: string;
  readonly keeper: LedgerKeeper;
  readonly nowMs: () => number;
  readonly onUp: (opened: OpenedLedger) => void;
  readonly onDown: (problem: string) => void;
  readonly onNotice: (text: string) => void;
}

const reopenFirstMs = 50;
const reopenCapMs = 2000;

export function startLedgerService(options: LedgerServiceOptions): LedgerService {
  const { keeper } = options;
  /** Taken away under us and not yet safe elsewhere: the only place of what it holds. */
  let orphan: Ledger | undefined;
  let current: OpenedLedger | undefined;
  let last: OpenedLedger | undefined;
  let problem = "";
  let isFatal = false;
  let downSinceMs = options.nowMs();
  let isStopped = false;
  let tries = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waiters: ((isUp: boolean) => void)[] = [];

  const release = (isUp: boolean): void => {
    const waiting = waiters;
    waiters = [];
    for (const resolve of waiting) resolve(isUp);
  };

  const tryOpen = (): KeeperAttempt => {
    if (orphan !== undefined) {
      const { isSafe, text } = keeper.rescue(orphan);
      if (!isSafe) return { ok: false, fatal: false, error: text };
      options.onNotice(text);
      keeper.close(orphan);
      orphan = undefined;
    }
    return keeper.open();
  };

  const open = (): void => {
    timer = undefined;
    const attempt = tryOpen();
    if (attempt.ok) {
      current = attempt.opened;
      last = attempt.opened;
      problem = "";
      isFatal = false;
      tries = 0;
      options.onUp(attempt.opened);
      release(true);
      return;
    }
    const isNews = attempt.error !== problem;
    problem = attempt.error;
    isFatal = attempt.fatal;
    timer = setTimeout(open, Math.min(reopenCapMs, reopenFirstMs * 2 ** Math.min(tries, 10)));
    tries += 1;
    if (isNews) options.onDown(problem);
  };

  const goDown = (reason: string): void => {
    current = undefined;
    problem = reason;
    downSinceMs = options.nowMs();
    timer = setTimeout(open, reopenFirstMs);
    options.onDown(reason);
  };

  const rescue = (): void => {
    if (current === undefined || isStopped) return;
    orphan = current.ledger;
    goDown(`ledger ${options.path} was removed under way`);
  };

  open();
  return {
    current: () => current,
    last: () => last,
    problem: () => problem,
    downSinceMs: () => downSinceMs,
    isFatal: () => isFatal,
    fail(error) {
      if (current === undefined || isStopped) return;
      // Closed now, what it holds would be gone with it.
      if (!current.ledger.file.isInPlace()) return rescue();
      keeper.close(current.ledger);
      goDown(ledgerProblem(options.path, error).error);
    },
    rescue,
    async whenUp() {
      if (current !== undefined) return true;
      if (isStopped) return false;
      return new Promise<boolean>((resolve) => waiters.push(resolve));
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
      if (orphan !== undefined) options.onNotice(keeper.rescue(orphan).text);
      if (current !== undefined) keeper.close(current.ledger);
      current = undefined;
      keeper.release();
      release(false);
    },
  };
}
