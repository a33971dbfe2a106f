// The rows of batches in the ledger, exporter thread: what was begun and what it became, in the transaction of
// the calls that it belongs to. The tables are made with the first batch: a `serve` never has them.

import type { Database, Statement } from "bun:sqlite";
import type { EndedRow } from "../../protocol/ended-rows.ts";
import type { BatchCommand } from "../../protocol/exporter-message.ts";
import type { CallRow } from "./ledger-rows.ts";
import { createOpenRows, openingsTable, type OpeningCommand } from "./open-rows.ts";

export interface BatchWrites {
  readonly begun: readonly BatchCommand[];
  readonly rows: readonly EndedRow[];
}

export interface LedgerBatches {
  /**
   * Within a transaction. `rows` are those whose calls are new to the ledger; of the rest, writing the same once more
   * changes nothing. Returns bytes written, roughly.
   */
  write(writes: BatchWrites): number;
  /** After the transaction, with all calls that it had. */
  written(writes: BatchWrites | undefined, calls: readonly CallRow[]): void;
  /** What other runs had opened has been closed. */
  forgetOthers(): void;
  isOpen(call: string): boolean;
  openRows(): number;
}

/** `rows.state`. */
export const rowStates = { open: 0, ok: 1, failed: 2 } as const;

/**
 * - `batches`: one row per output; `description` is what must be the same for its rows to be gone on with,
 *   `origin` what the spans of the rows that are open have in common.
 * - `batch_rows`: one row per row that has ended, or was left open by a run that is gone. Figures add up over all
 *   its sendings; `call` is the last. How many there were, `sends`, is for people who look.
 * - `batch_openings`: what is open (open-rows.ts).
 */
const batchTables = `
CREATE TABLE IF NOT EXISTS batches (
  batch INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  run TEXT NOT NULL,
  description TEXT NOT NULL,
  origin TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS batch_rows (
  batch INTEGER NOT NULL,
  row INTEGER NOT NULL,
  call TEXT NOT NULL,
  state INTEGER NOT NULL,
  sends INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cost REAL NOT NULL,
  unpriced INTEGER NOT NULL,
  result TEXT NOT NULL,
  PRIMARY KEY (batch, row)
) STRICT, WITHOUT ROWID;
${openingsTable}`;

const rowBytes = 100;

/**
 * The end of a sending takes the place of the one before it: the order is that of the commits, for a call's id is in
 * the order of a clock that may go back. A row that is ok is never sent again: what is found open of it is older.
 */
const endRow = `
INSERT INTO batch_rows VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?)
ON CONFLICT (batch, row) DO UPDATE SET call = excluded.call, state = excluded.state, sends = sends + 1,
  input_tokens = input_tokens + excluded.input_tokens,
  output_tokens = output_tokens + excluded.output_tokens,
  cost = cost + excluded.cost, unpriced = unpriced + excluded.unpriced, result = excluded.result
WHERE call <> excluded.call AND NOT (state = ${rowStates.ok} AND excluded.state = ${rowStates.open})`;

type EndValues = [number, number, string, number, number, number, number, number, string];

export function createLedgerBatches(database: Database, run: string): LedgerBatches {
  const open = createOpenRows(database, run);
  let end: Statement<unknown, EndValues> | undefined;

  const begin = (command: Extract<BatchCommand, { kind: "batch" }>): void => {
    database.run(batchTables);
    const { batch, name, description, origin } = command;
    const known = database
      .query<{ run: string }, [number, string]>(
        "SELECT run FROM batches WHERE batch = ? AND name = ?",
      )
      .get(batch, name);
    if (known?.run === command.run) {
      database
        .query<unknown, [string, number]>("UPDATE batches SET origin = ? WHERE batch = ?")
        .run(origin, batch);
      return;
    }
    if (known === null) {
      // Fails when the number or the name is another's by now: its rows are none of this one's.
      database
        .query<unknown, [number, string, string, string, string]>(
          "INSERT INTO batches (batch, name, run, description, origin) VALUES (?, ?, ?, ?, ?)",
        )
        .run(batch, name, command.run, description, origin);
      return;
    }
    if (command.restart) {
      database.query<unknown, [number]>("DELETE FROM batch_rows WHERE batch = ?").run(batch);
    }
    database
      .query<unknown, [string, string, string, number]>(
        "UPDATE batches SET run = ?, description = ?, origin = ? WHERE batch = ?",
      )
      .run(command.run, description, origin, batch);
  };

  return {
    write({ begun, rows }) {
      for (const command of begun) if (command.kind === "batch") begin(command);
      const resent = rows.filter(({ state }) => state === "open").map(({ call }) => call);
      let bytes = open.write(begun.filter(isOpening), resent);
      if (rows.length === 0) return bytes;
      end ??= database.prepare<unknown, EndValues>(endRow);
      for (const row of rows) {
        const { batch, call, inputTokens, outputTokens, cost, unpriced, result } = row;
        const state = rowStates[row.state];
        end.run(batch, row.row, call, state, inputTokens, outputTokens, cost, unpriced, result);
        bytes += rowBytes + result.length;
      }
      return bytes;
    },
    written(writes, calls) {
      if (writes !== undefined) open.written(writes.begun.filter(isOpening));
      open.ended(calls);
    },
    forgetOthers: open.forgetOthers,
    isOpen: open.has,
    openRows: open.count,
  };
}

function isOpening(command: BatchCommand): command is OpeningCommand {
  return command.kind === "opening";
}
