// Keeps a ledger open for the exporter thread: locks, opens, recovers, and after a failure opens it again with
// back-off. It must never delete a file, and never let two processes write one ledger.

import { mkdirSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { TracingConfig } from "../../config/schema.ts";
import { ledgerProblem, openLedgerFile, type LedgerProblem } from "./ledger-file.ts";
import { registerDestinations } from "./destination-rows.ts";
import { openDestination, type DestinationLedger } from "./ledger-destinations.ts";
import { acquireLedgerLock, type LedgerLock } from "./ledger-lock.ts";
import { openLedger, type Ledger } from "./ledger.ts";

export interface OpenedLedger {
  readonly ledger: Ledger;
  readonly destinations: ReadonlyMap<string, DestinationLedger>;
  /** Calls of earlier processes that were closed as interrupted. */
  readonly interruptedCalls: number;
}

export type KeeperAttempt = { readonly ok: true; readonly opened: OpenedLedger } | LedgerProblem;

export interface LedgerKeeper {
  /** Opens the ledger anew. While its disk is full, what was interrupted stays open. Never throws. */
  open(isFull: boolean): KeeperAttempt;
  /**
   * The file was taken away while we still hold it: writes all of it back to its place, or beside it when
   * something else is there by now. Never throws; `isSafe` once nothing would be lost by closing it.
   */
  rescue(ledger: Ledger): Rescue;
  /** Closes the file; keeps the lock. */
  close(ledger: Ledger): void;
  release(): void;
}

export interface Rescue {
  readonly isSafe: boolean;
  readonly text: string;
}

export interface KeeperOptions {
  readonly tracing: TracingConfig;
  readonly run: string;
  readonly nowMs: () => number;
}

/** A second of full load; destinations further behind read from the file. */
const recentBytesMaxWithDestinations = 8 * 1024 * 1024;

export function createLedgerKeeper(options: KeeperOptions): LedgerKeeper {
  const { path, durability } = options.tracing.ledger;
  let lock: LedgerLock | undefined;

  const open = (isFull: boolean): KeeperAttempt => {
    mkdirSync(dirname(path), { recursive: true });
    if (lock !== undefined && !lock.isInPlace()) {
      lock.release();
      lock = undefined;
    }
    lock ??= acquireLedgerLock(path);
    if (lock === undefined) return { ok: false, fatal: true, error: ledgerInUse(path) };
    const opening = openLedgerFile(path, durability);
    if (!opening.ok) return opening;
    try {
      const configs = options.tracing.destinations;
      const { run, nowMs } = options;
      const recentBytesMax = configs.length === 0 ? 0 : recentBytesMaxWithDestinations;
      // Before anything takes the room that it needs.
      if (isFull) opening.file.database.query("PRAGMA wal_checkpoint(TRUNCATE)").all();
      const ledger = openLedger(opening.file, { run, nowMs, recentBytesMax });
      const interruptedCalls = isFull ? 0 : ledger.closeInterrupted();
      registerDestinations(ledger, configs);
      const byName = new Map(configs.map(({ name }) => [name, openDestination(ledger, name)]));
      return { ok: true, opened: { ledger, destinations: byName, interruptedCalls } };
    } catch (error) {
      opening.file.close();
      throw error;
    }
  };

  return {
    open(isFull) {
      try {
        return open(isFull);
      } catch (error) {
        return ledgerProblem(path, error);
      }
    },
    rescue(ledger) {
      try {
        return rescueLedger(ledger, path, options.nowMs());
      } catch (error) {
        const text = `ledger ${path} was removed under way and cannot be written back: `;
        return { isSafe: false, text: text + String(error) };
      }
    },
    close(ledger) {
      try {
        ledger.file.close();
      } catch (error) {
        // What cannot even be closed is given up; the next open works on a handle of its own.
        console.error(`ledger ${path}: ${String(error)}`);
      }
    },
    release() {
      lock?.release();
      lock = undefined;
    },
  };
}

function rescueLedger(ledger: Ledger, path: string, nowMs: number): Rescue {
  if (ledger.file.isInPlace()) {
    ledger.moveLog("TRUNCATE");
    return { isSafe: true, text: `the log of ledger ${path} was removed; nothing is missing` };
  }
  mkdirSync(dirname(path), { recursive: true });
  const copy = `${path}.rescued-${Math.floor(nowMs)}`;
  ledger.file.database.run("VACUUM INTO ?", [copy]);
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) {
    const text = `ledger ${path} was replaced under way; what it held is in ${copy}`;
    return { isSafe: true, text };
  }
  renameSync(copy, path);
  return { isSafe: true, text: `ledger ${path} was removed under way; all of it is written back` };
}

function ledgerInUse(path: string): string {
  return (
    `ledger ${path} is in use by another everyspan process; ` +
    `stop that one, or give this one its own tracing.ledger.path`
  );
}
