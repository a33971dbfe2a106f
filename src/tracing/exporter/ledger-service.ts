// Whether the ledger is up, exporter thread: takes it down after a failure, opens it again with back-off, lets
// others wait for it. When its disk is full it is up for all but new calls. Nobody else opens or closes it.

import type { KeeperAttempt, LedgerKeeper, OpenedLedger } from "./ledger-keeper.ts";
import { ledgerProblem } from "./ledger-file.ts";
import type { LedgerReserve } from "./ledger-reserve.ts";
import type { Ledger } from "./ledger.ts";

export interface LedgerService {
  /** Undefined while the ledger is down. */
  current(): OpenedLedger | undefined;
  /** The same for new calls: undefined while its disk is full, too. */
  forCalls(): OpenedLedger | undefined;
  /** Its disk was full, and has not been said to have room since. */
  isFull(): boolean;
  /** Its disk has room again. */
  roomMade(): void;
  /** The one that was up last: its figures stand while the ledger is down. */
  last(): OpenedLedger | undefined;
  /** Why it is down, or takes no calls; empty when it is up. */
  problem(): string;
  /** Since when that has been so, in milliseconds since the epoch. */
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
  /** Without one a full disk is a failure like any other. */
  readonly reserve?: LedgerReserve | undefined;
  readonly nowMs: () => number;
  readonly onUp: (opened: OpenedLedger) => void;
  readonly onDown: (problem: string) => void;
  readonly onNotice: (text: string) => void;
}

const reopenFirstMs = 50;
const reopenCapMs = 2000;

export function startLedgerService(options: LedgerServiceOptions): LedgerService {
  const { keeper, path, reserve } = options;
  /** Taken away under us and not yet safe elsewhere: the only place of what it holds. */
  let orphan: Ledger | undefined;
  let current: OpenedLedger | undefined;
  let last: OpenedLedger | undefined;
  let problem = "";
  let isFatal = false;
  let isFull = reserve?.isGivenUp() === true;
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
    const attempt = keeper.open(isFull);
    // With what the reserve took there may be enough to open it.
    return !attempt.ok && attempt.isDiskFull === true && becomeFull()
      ? keeper.open(isFull)
      : attempt;
  };

  /** True when there is room now that was not there before. */
  const becomeFull = (): boolean => {
    if (reserve === undefined) return false;
    isFull = true;
    return reserve.giveUp();
  };

  const retryInMs = (): number => {
    tries += 1;
    return Math.min(reopenCapMs, reopenFirstMs * 2 ** Math.min(tries - 1, 10));
  };

  const open = (): void => {
    timer = undefined;
    const attempt = tryOpen();
    if (attempt.ok) {
      current = attempt.opened;
      last = attempt.opened;
      isFatal = false;
      if (isFull) {
        say(fullLedger(path));
      } else {
        problem = "";
        tries = 0;
        options.onUp(attempt.opened);
      }
      release(true);
      return;
    }
    isFatal = attempt.fatal;
    timer = setTimeout(open, retryInMs());
    say(isFull && attempt.isDiskFull === true ? fullLedger(path) : attempt.error);
  };

  /** Once, however often it is so. */
  const say = (reason: string): void => {
    if (reason === problem) return;
    problem = reason;
    options.onDown(reason);
  };

  const goDown = (reason: string): void => {
    current = undefined;
    if (problem === "") downSinceMs = options.nowMs();
    timer = setTimeout(open, retryInMs());
    say(reason);
  };

  const rescue = (): void => {
    if (current === undefined || isStopped) return;
    orphan = current.ledger;
    goDown(`ledger ${path} was removed under way`);
  };

  open();
  return {
    current: () => current,
    forCalls: () => (isFull ? undefined : current),
    isFull: () => isFull,
    roomMade() {
      if (!isFull || current === undefined || isStopped) return;
      isFull = false;
      keeper.close(current.ledger);
      current = undefined;
      open();
    },
    last: () => last,
    problem: () => problem,
    downSinceMs: () => downSinceMs,
    isFatal: () => isFatal,
    fail(error) {
      if (current === undefined || isStopped) return;
      // Closed now, what it holds would be gone with it.
      if (!current.ledger.file.isInPlace()) return rescue();
      const failure = ledgerProblem(path, error);
      const hasRoom = failure.isDiskFull === true && becomeFull();
      keeper.close(current.ledger);
      if (!hasRoom) return goDown(isFull ? fullLedger(path) : failure.error);
      // At once, before somebody else takes the room.
      current = undefined;
      downSinceMs = options.nowMs();
      open();
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

function fullLedger(path: string): string {
  return `ledger ${path}: its disk is full; calls are committed again when there is room`;
}
