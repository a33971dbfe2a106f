// The ledger's tables, and what a file of an older layout lacks of them. Exporter thread and readers. A change of
// layout raises the version; a file of a newer version is refused, never touched.

import type { Database } from "bun:sqlite";

export const ledgerVersion = 3;

/** Twice SQLite's default, because a call is some 2 kB (bench/RESULTS.md): few would fit a page. */
export const pageSizeBytes = 8192;

/** `open_calls.part`. */
export const partNumber = { server: 0, worker: 1 } as const;

/** Ledgers of the second layout have it or not: it was made by whoever first noted a refusal. */
export const refusalsTable = `
CREATE TABLE IF NOT EXISTS refusals (seq INTEGER PRIMARY KEY) STRICT;
`;

/**
 * - `account`: one row; totals over the ledger's whole life, which outlive retention, up to `last_seq`: those of the
 *   calls behind it are counted from them (ledger-totals.ts). `run` wrote last, behind `run_seq`.
 * - `calls`: one row per call. `seq` is the commit order; given out by us, never twice: no call is deleted before
 *   `account.last_seq` has passed it. `spans` are concatenated ScopeSpans.spans entries, dialect-free.
 * - `open_calls`: journaled parts (0 server, 1 worker) of calls still open; `run` tells the process.
 * - `destinations`: the cursor is the last seq done with. `base_*` are the account's totals when it began.
 * - `rejected`: calls a destination refused for good, set aside with their spans.
 * - `refusals`: calls that were refused at the door (ledger-refusals.ts).
 *
 * A batch's tables come with the first batch (ledger-batches.ts).
 */
export const ledgerTables: string = `
CREATE TABLE account (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  last_seq INTEGER NOT NULL,
  calls INTEGER NOT NULL,
  committed INTEGER NOT NULL,
  unsampled INTEGER NOT NULL,
  lost INTEGER NOT NULL,
  alive_at_ms REAL NOT NULL,
  run TEXT NOT NULL DEFAULT '',
  run_seq INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO account VALUES (1, 0, 0, 0, 0, 0, 0, '', 0);
CREATE TABLE calls (
  seq INTEGER PRIMARY KEY,
  call TEXT NOT NULL,
  committed_at_ms INTEGER NOT NULL,
  span_count INTEGER NOT NULL,
  sampled INTEGER NOT NULL,
  spans BLOB NOT NULL
) STRICT;
CREATE TABLE open_calls (
  call TEXT NOT NULL,
  part INTEGER NOT NULL,
  run TEXT NOT NULL,
  opened_at_ms INTEGER NOT NULL,
  span_count INTEGER NOT NULL,
  sampled INTEGER NOT NULL,
  spans BLOB NOT NULL,
  PRIMARY KEY (call, part)
) STRICT;
CREATE TABLE destinations (
  name TEXT PRIMARY KEY,
  cursor INTEGER NOT NULL,
  base_committed INTEGER NOT NULL,
  base_unsampled INTEGER NOT NULL,
  exported INTEGER NOT NULL DEFAULT 0,
  rejected INTEGER NOT NULL DEFAULT 0,
  expired INTEGER NOT NULL DEFAULT 0,
  configured INTEGER NOT NULL DEFAULT 1,
  state TEXT NOT NULL DEFAULT 'active',
  last_error TEXT NOT NULL DEFAULT '',
  retry_rejected INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE rejected (
  destination TEXT NOT NULL,
  seq INTEGER NOT NULL,
  call TEXT NOT NULL,
  reason TEXT NOT NULL,
  rejected_at_ms INTEGER NOT NULL,
  span_count INTEGER NOT NULL,
  spans BLOB NOT NULL,
  PRIMARY KEY (destination, seq)
) STRICT;
${refusalsTable}`;

/** Makes the tables, or those of version 1 and later what they are now; within a transaction. */
export function bringUpToDate(database: Database, version: number): void {
  if (version === 0) {
    database.run(ledgerTables);
  } else {
    if (version === 1) database.run(sinceFirst);
    database.run(refusalsTable);
    addOrigin(database);
  }
  database.run(`PRAGMA user_version = ${ledgerVersion}`);
}

/** The `calls` of version 1 keep their index of call ids, which does no harm. */
const sinceFirst = `
ALTER TABLE account ADD COLUMN run TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN run_seq INTEGER NOT NULL DEFAULT 0;
`;

/** What the openings of a batch's rows have in common; before there were such, it had none. */
function addOrigin(database: Database): void {
  const columns = database
    .query<{ name: string }, []>("SELECT name FROM pragma_table_info('batches')")
    .all();
  if (columns.length === 0 || columns.some(({ name }) => name === "origin")) return;
  database.run("ALTER TABLE batches ADD COLUMN origin TEXT NOT NULL DEFAULT ''");
}
