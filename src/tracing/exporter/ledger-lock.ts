// One process per ledger. The lock is an exclusive SQLite transaction on a file beside the ledger: the kernel
// releases it when the process goes, `kill -9` included, and readers of the ledger never meet it.

import { Database } from "bun:sqlite";
import { statSync } from "node:fs";

export interface LedgerLock {
  /** False once the lock's file was removed: another process could then take a lock of its own. */
  isInPlace(): boolean;
  release(): void;
}

/** Undefined when another process (or another thread of this one) holds it. Throws when the disk refuses. */
export function acquireLedgerLock(ledgerPath: string): LedgerLock | undefined {
  const path = `${ledgerPath}.lock`;
  const lock = new Database(path, { create: true, readwrite: true });
  try {
    lock.run("PRAGMA busy_timeout = 0");
    lock.run("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  const { ino } = statSync(path);
  return {
    isInPlace: () => statSync(path, { throwIfNoEntry: false })?.ino === ino,
    release: () => lock.close(),
  };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "SQLITE_BUSY";
}
