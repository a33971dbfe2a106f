// The rows of batches that were opened and have not ended, exporter thread and readers. Those opened in one turn are
// one record, which goes when the last of them has ended: a row costs no record of its own for being open. Nothing
// else reads or writes their table.

import type { Database, Statement } from "bun:sqlite";
import type { ExporterCommand } from "../../protocol/exporter-message.ts";
import {
  callsOfOpenings,
  openingsWithout,
  readOpenings,
  type RowOpening,
  type RowsOrigin,
} from "../recorder/row-opening.ts";

export type OpeningCommand = Extract<ExporterCommand, { kind: "opening" }>;

/** A row that is open, and what its spans are made of. */
export interface OpenRow {
  readonly batch: number;
  readonly opening: RowOpening;
  readonly origin: RowsOrigin;
}

export interface OpenRows {
  /**
   * Within a transaction. Writing the same once more changes nothing. `resent`: calls that end with it and whose rows
   * go on in another one. Returns bytes written, roughly.
   */
  write(openings: readonly OpeningCommand[], resent: readonly string[]): number;
  /** After the transaction. */
  written(openings: readonly OpeningCommand[]): void;
  /** Calls that were committed. */
  ended(calls: readonly { readonly call: string }[]): void;
  /** What other runs had opened has been closed. */
  forgetOthers(): void;
  has(call: string): boolean;
  count(): number;
}

/**
 * `opening` names the record, `run` the process. A row has ended when it is the call that `batch_rows` has; when it is
 * sent again, its earlier sending leaves the record in the transaction that ends it: no two are to be compared, for
 * ids are in the order of a clock that may go back.
 */
export const openingsTable = `
CREATE TABLE IF NOT EXISTS batch_openings (
  opening TEXT PRIMARY KEY,
  batch INTEGER NOT NULL,
  run TEXT NOT NULL,
  rows TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;

interface Opening {
  readonly name: string;
  left: number;
}

/** `run` is the process's own: what another left open is none of this one's. */
export function createOpenRows(database: Database, run: string): OpenRows {
  const calls = new Map<string, Opening>();
  let over: string[] = [];
  let statements: ReturnType<typeof prepareStatements> | undefined;

  const add = (name: string, opened: readonly string[]): void => {
    const opening = { name, left: 0 };
    for (const call of opened) {
      if (calls.has(call)) continue;
      calls.set(call, opening);
      opening.left += 1;
    }
  };

  for (const [name, rows] of Map.groupBy(selectOpenRows(database, "own", run), (row) => row.name)) {
    add(
      name,
      rows.map(({ opening }) => opening.call),
    );
  }

  return {
    write(openings, resent) {
      if (openings.length + resent.length + over.length === 0) return 0;
      statements ??= prepareStatements(database);
      let bytes = 0;
      for (const { call, batch, rows } of openings) {
        statements.insert.run(call, batch, run, rows);
        bytes += rows.length;
      }
      for (const call of resent) {
        const name = calls.get(call)?.name;
        const record = name === undefined ? null : statements.read.get(name);
        if (name === undefined || record === null) continue;
        statements.rewrite.run(openingsWithout(record.rows, call), name);
        bytes += record.rows.length;
      }
      for (const name of over) statements.remove.run(name);
      return bytes;
    },
    written(openings) {
      over = [];
      for (const { call, rows } of openings) add(call, callsOfOpenings(rows));
    },
    ended(ended) {
      if (calls.size === 0) return;
      for (const { call } of ended) {
        const opening = calls.get(call);
        if (opening === undefined) continue;
        calls.delete(call);
        opening.left -= 1;
        if (opening.left === 0) over.push(opening.name);
      }
    },
    forgetOthers() {
      if (!hasOpenings(database)) return;
      database.query<unknown, [string]>("DELETE FROM batch_openings WHERE run <> ?").run(run);
    },
    has: (call) => calls.has(call),
    count: () => calls.size,
  };
}

function prepareStatements(database: Database): {
  readonly insert: Statement<unknown, [string, number, string, string]>;
  readonly read: Statement<{ rows: string }, [string]>;
  readonly rewrite: Statement<unknown, [string, string]>;
  readonly remove: Statement<unknown, [string]>;
} {
  return {
    insert: database.prepare("INSERT OR IGNORE INTO batch_openings VALUES (?, ?, ?, ?)"),
    read: database.prepare("SELECT rows FROM batch_openings WHERE opening = ?"),
    rewrite: database.prepare("UPDATE batch_openings SET rows = ? WHERE opening = ?"),
    remove: database.prepare("DELETE FROM batch_openings WHERE opening = ?"),
  };
}

/** The table comes with the first batch. */
function hasOpenings(database: Database): boolean {
  const found = database.query("SELECT 1 FROM sqlite_schema WHERE name = 'batch_openings'").get();
  return found !== null;
}

/** Of the run itself, of all others, or of all. */
export function selectOpenRows(
  database: Database,
  whose: "own" | "others" | "all",
  run = "",
): (OpenRow & { readonly name: string })[] {
  if (!hasOpenings(database)) return [];
  const records = database
    .query<{ name: string; batch: number; rows: string; origin: string }, [string, string]>(
      `SELECT opening name, o.batch, rows, origin FROM batch_openings o JOIN batches USING (batch)
       WHERE ?1 = 'all' OR (o.run = ?2) = (?1 = 'own') ORDER BY opening`,
    )
    .all(whose, run);
  const ended = database.query<unknown, [number, number, string]>(
    "SELECT 1 FROM batch_rows WHERE batch = ? AND row = ? AND call = ?",
  );
  return records.flatMap(({ name, batch, rows, origin }) => {
    const parsed = JSON.parse(origin) as RowsOrigin;
    return readOpenings(parsed, rows)
      .filter(({ call, row }) => ended.get(batch, row, call) === null)
      .map((opening) => ({ name, batch, opening, origin: parsed }));
  });
}
