// Opens the ledger's file, exporter thread. Makes it when it is missing; refuses, with what to do, a file that
// is newer or is not a ledger. It must never delete or overwrite one.

import { Database } from "bun:sqlite";
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  fsync,
  mkdirSync,
  openSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { isDiskFull } from "./disk-full.ts";
import { bringUpToDate, ledgerVersion, pageSizeBytes } from "./ledger-schema.ts";

export type LedgerOpening = { readonly ok: true; readonly file: LedgerFile } | LedgerProblem;

/** `fatal`: trying again cannot help, a person has to decide. */
export interface LedgerProblem {
  readonly ok: false;
  readonly fatal: boolean;
  readonly error: string;
  readonly isDiskFull?: boolean;
}

export interface LedgerFile {
  readonly database: Database;
  readonly path: string;
  /** False once somebody removed or replaced the file under us: SQLite itself would write on unseen. */
  isInPlace(): boolean;
  /** The same of its write-ahead log. */
  isLogInPlace(): boolean;
  /** Brings the log to the disk without holding up this thread. Never rejects. */
  syncLog(): Promise<void>;
  close(): void;
}

export function openLedgerFile(path: string, durability: "process" | "power"): LedgerOpening {
  let database: Database | undefined;
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory() === true) return { ok: false, fatal: true, error: folderLedger(path) };
    mkdirSync(dirname(path), { recursive: true });
    // Traces may hold prompts: a new ledger is for its owner alone, and SQLite gives its log the same mode.
    if (there === undefined) closeSync(openSync(path, "a", 0o600));
    database = new Database(path, { create: true, readwrite: true, strict: true });
    const problem = prepare(database, path, durability);
    if (problem !== undefined) {
      database.close();
      return { ok: false, fatal: true, error: problem };
    }
    return { ok: true, file: ledgerFile(database, path) };
  } catch (error) {
    database?.close();
    return ledgerProblem(path, error);
  }
}

/** Says what an SQLite or file system error means for the ledger at `path`. */
export function ledgerProblem(path: string, error: unknown): LedgerProblem {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const text = error instanceof Error ? error.message : String(error);
  if (code === "SQLITE_NOTADB" || code === "SQLITE_CORRUPT") {
    return { ok: false, fatal: true, error: damagedLedger(path, text) };
  }
  const isAccess = code.startsWith("SQLITE_CANTOPEN") || code.startsWith("SQLITE_READONLY");
  const said = (isAccess ? accessProblem(path) : undefined) ?? text;
  return {
    ok: false,
    fatal: false,
    error: `ledger ${path}: ${said}${said.includes(code) ? "" : ` (${code})`}`,
    ...(isDiskFull(error) && { isDiskFull: true }),
  };
}

/** What SQLite says only that it cannot; undefined where it is something else. */
function accessProblem(path: string): string | undefined {
  const may = (what: string, mode: number): boolean => {
    try {
      accessSync(what, mode);
      return true;
    } catch {
      return false; // which is the answer
    }
  };
  if (!may(path, constants.R_OK)) return "this user may not read it";
  if (!may(dirname(path), constants.W_OK)) {
    return "this user may not write to its folder, as is needed to read it, too";
  }
  return may(path, constants.W_OK) ? undefined : "this user may not write it";
}

export function damagedLedger(path: string, detail: string): string {
  return (
    `ledger ${path} is damaged or not a ledger (${detail}); it was left as it is. ` +
    `Move it away to start with a new one`
  );
}

export function folderLedger(path: string): string {
  return `${path} is a folder, no ledger`;
}

export function newerLedger(path: string, version: number): string {
  return (
    `ledger ${path} was written by a newer everyspan (layout ${version}, this one knows ${ledgerVersion}); ` +
    `it was left as it is. Run that version, or set another tracing.ledger.path`
  );
}

function prepare(
  database: Database,
  path: string,
  durability: "process" | "power",
): string | undefined {
  database.run("PRAGMA busy_timeout = 2000");
  const version = userVersion(database);
  if (version > ledgerVersion) return newerLedger(path, version);
  if (version === 0) {
    const tables = database.query<{ n: number }, []>("SELECT count(*) n FROM sqlite_schema").get();
    if ((tables?.n ?? 0) > 0) return damagedLedger(path, "it holds tables of something else");
    database.run(`PRAGMA page_size = ${pageSizeBytes}`);
    database.run("PRAGMA auto_vacuum = INCREMENTAL");
  }
  database.run("PRAGMA journal_mode = WAL");
  database.run(`PRAGMA synchronous = ${durability === "power" ? "FULL" : "NORMAL"}`);
  // A checkpoint syncs; it is left to quiet moments (maintenance), this is for when there are none.
  database.run("PRAGMA wal_autocheckpoint = 4000");
  database.run("PRAGMA journal_size_limit = 16777216");
  database.run("PRAGMA temp_store = MEMORY");
  if (version < ledgerVersion) {
    database.transaction(() => bringUpToDate(database, version))();
  }
  // A first write makes the log's file, which a ledger that was closed in good order has not.
  database.run("UPDATE account SET id = 1");
  return undefined;
}

export function userVersion(database: Database): number {
  const row = database.query<{ user_version: number }, []>("PRAGMA user_version").get();
  return row?.user_version ?? 0;
}

function ledgerFile(database: Database, path: string): LedgerFile {
  const opened = statSync(path);
  // A descriptor of the log only: closing one of the ledger itself would drop SQLite's locks on it
  // (fcntl locks belong to the process), the log has none.
  const log = openSync(`${path}-wal`, "r+");
  return {
    database,
    path,
    isInPlace() {
      try {
        const now = statSync(path, { throwIfNoEntry: false });
        return now !== undefined && now.ino === opened.ino && now.dev === opened.dev;
      } catch {
        return false; // not even the way there is left: a file where its folder was
      }
    },
    isLogInPlace: () => fstatSync(log).nlink > 0,
    syncLog: () => new Promise((resolve) => fsync(log, () => resolve())),
    close() {
      database.close();
      closeSync(log);
    },
  };
}
