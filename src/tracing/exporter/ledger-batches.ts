// The rows of batches in the ledger, exporter thread: what was begun and what it became, in the transaction of
// the calls that it belongs to. The tables are made with the first batch: a `serve` never has them.

import type { Database, Statement } from "bun:sqlite";
import type { BatchCommand } from "../../protocol/exporter-message.ts";
import type { EndedRow } from "./commit-group.ts";

export interface BatchWrites {
  readonly begun: readonly BatchCommand[];
  readonly rows: readonly EndedRow[];
}

export interface LedgerBatches {
  /** Within a transaction. Writing the same once more changes nothing. Returns bytes written, roughly. */
  write(writes: BatchWrites): number;
}

/** `rows.state`. */
export const rowStates = { open: 0, ok: 1, failed: 2 } as const;

/**
 * - `batches`: one row per output; `description` is what must be the same for its rows to be gone on with.
 * - `batch_rows`: one row per row that was ever sent. Figures add up over all its sendings; `call` is the last.
 */
const batchTables = `
CREATE TABLE IF NOT EXISTS batches (
  batch INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  run TEXT NOT NULL,
  description TEXT NOT NULL
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
`;

const rowBytes = 100;

type EndValues = [number, number, number, number, number, string, number, number, string];

interface RowStatements {
  readonly open: Statement<unknown, [number, number, string]>;
  readonly end: Statement<unknown, EndValues>;
}

export function createLedgerBatches(database: Database): LedgerBatches {
  let prepared: RowStatements | undefined;

  const statements = (): RowStatements => {
    prepared ??= {
      open: database.prepare(
        `INSERT INTO batch_rows VALUES (?1, ?2, ?3, 0, 1, 0, 0, 0, 0, '')
         ON CONFLICT (batch, row) DO UPDATE SET call = ?3, state = 0, sends = sends + 1
           WHERE call <> ?3`,
      ),
      end: database.prepare(
        `UPDATE batch_rows SET state = ?, input_tokens = input_tokens + ?,
           output_tokens = output_tokens + ?, cost = cost + ?, unpriced = unpriced + ?, result = ?
         WHERE batch = ? AND row = ? AND call = ? AND state = 0`,
      ),
    };
    return prepared;
  };

  const begin = (command: Extract<BatchCommand, { kind: "batch" }>): void => {
    database.run(batchTables);
    const { batch, name, run, description } = command;
    const known = database
      .query<{ run: string }, [number]>("SELECT run FROM batches WHERE batch = ?")
      .get(batch);
    if (known !== null && known.run === run) return;
    if (command.restart) {
      database.query<unknown, [number]>("DELETE FROM batch_rows WHERE batch = ?").run(batch);
    }
    database
      .query<unknown, [number, string, string, string]>(
        "INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?)",
      )
      .run(batch, name, run, description);
  };

  return {
    write({ begun, rows }) {
      let bytes = 0;
      for (const command of begun) {
        if (command.kind === "batch") begin(command);
        else statements().open.run(command.batch, command.row, command.call);
        bytes += rowBytes;
      }
      for (const row of rows) {
        const { inputTokens, outputTokens, cost, unpriced, result, batch, call } = row;
        const state = rowStates[row.state];
        statements().end.run(
          ...([
            state,
            inputTokens,
            outputTokens,
            cost,
            unpriced,
            result,
            batch,
            row.row,
            call,
          ] as EndValues),
        );
        bytes += rowBytes + result.length;
      }
      return bytes;
    },
  };
}
