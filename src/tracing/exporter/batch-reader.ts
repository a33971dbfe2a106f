// Reads the rows of a batch back from its ledger, on a handle of its own: to go on where a run was left, and for
// what the output needs again. Main thread; writes nothing.

import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { nothingSpent, type KnownRow, type Spent } from "../../protocol/ended-rows.ts";
import { rowStates } from "./ledger-batches.ts";
import { userVersion } from "./ledger-file.ts";
import { ledgerVersion } from "./ledger-schema.ts";

export interface KnownBatch {
  readonly batch: number;
  readonly run: string;
  readonly description: string;
}

export interface BatchReader {
  readonly find: (name: string) => KnownBatch | undefined;
  /** A number for a batch that is new. */
  readonly nextNumber: () => number;
  /** Rows in order, after that one. */
  readonly rowsAfter: (batch: number, row: number, limit: number) => KnownRow[];
  readonly result: (batch: number, row: number) => string | undefined;
  readonly totals: (batch: number) => Spent;
  readonly close: () => void;
}

export interface BatchRowsReader {
  /** As it was when this was opened. */
  readonly spent: Spent;
  readonly read: (afterRow: number, limit: number) => KnownRow[];
  readonly result: (row: number) => string | undefined;
  readonly close: () => void;
}

const stateNames = (["open", "ok", "failed"] as const).toSorted(
  (a, b) => rowStates[a] - rowStates[b],
);

/** Undefined where there is no ledger, or none that can be read: whoever opens it to write says why. */
export function openBatchReader(path: string): BatchReader | undefined {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  let database: Database | undefined;
  try {
    database = new Database(path, { readonly: true, strict: true });
    database.run("PRAGMA busy_timeout = 2000");
    const version = userVersion(database);
    if (version > 0 && version <= ledgerVersion) return batchReader(database);
    database.close();
  } catch {
    database?.close();
  }
  return undefined;
}

/** One batch's rows. Throws when the ledger cannot be read. */
export function openBatchRows(path: string, batch: number): BatchRowsReader {
  const reader = openBatchReader(path);
  if (reader === undefined) throw new Error(`the ledger ${path} cannot be read`);
  return {
    spent: reader.totals(batch),
    read: (afterRow, limit) => reader.rowsAfter(batch, afterRow, limit),
    result: (row) => reader.result(batch, row),
    close: reader.close,
  };
}

function batchReader(database: Database): BatchReader {
  const hasTables = (): boolean =>
    database
      .query<{ name: string }, []>("SELECT name FROM sqlite_schema WHERE name = 'batches'")
      .get() !== null;

  return {
    find(name) {
      if (!hasTables()) return undefined;
      const select = database.query<KnownBatch, [string]>(
        "SELECT batch, run, description FROM batches WHERE name = ?",
      );
      return select.get(name) ?? undefined;
    },
    nextNumber() {
      if (!hasTables()) return 1;
      const select = database.query<{ last: number }, []>(
        "SELECT coalesce(max(batch), 0) last FROM batches",
      );
      return (select.get()?.last ?? 0) + 1;
    },
    rowsAfter(batch, row, limit) {
      if (!hasTables()) return [];
      const select = database.query<
        Omit<KnownRow, "state"> & { readonly state: number },
        [number, number, number]
      >(
        `SELECT row, state, result FROM batch_rows WHERE batch = ? AND row > ?
         ORDER BY row LIMIT ?`,
      );
      return select
        .all(batch, row, limit)
        .map((known) => ({ ...known, state: stateNames[known.state] ?? "open" }));
    },
    result(batch, row) {
      const select = database.query<{ result: string }, [number, number]>(
        "SELECT result FROM batch_rows WHERE batch = ? AND row = ?",
      );
      return select.get(batch, row)?.result;
    },
    totals(batch) {
      if (!hasTables()) return nothingSpent;
      const select = database.query<Spent, [number]>(
        // `sum` fails where `total` grows imprecise.
        `SELECT total(input_tokens) inputTokens,
           total(output_tokens) outputTokens, total(cost) cost,
           total(unpriced) unpriced FROM batch_rows WHERE batch = ?`,
      );
      return select.get(batch) ?? nothingSpent;
    },
    close: () => database.close(),
  };
}
