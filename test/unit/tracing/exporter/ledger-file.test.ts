import { afterEach, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { openLedgerFile } from "../../../../src/tracing/exporter/ledger-file.ts";
import { openLedgerReader } from "../../../../src/tracing/exporter/ledger-reader.ts";
import { openLedger } from "../../../../src/tracing/exporter/ledger.ts";
import { temporaryFolder, testCall } from "../../../support/exporter-harness.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

/** As everyspan 0.1 made it, with two calls. */
function firstLayout(): string {
  const { path: folder, remove } = temporaryFolder();
  cleanups.push(remove);
  const path = join(folder, "ledger.db");
  const database = new Database(path, { create: true, strict: true });
  database.run("PRAGMA journal_mode = WAL");
  database.run(`
    CREATE TABLE account (id INTEGER PRIMARY KEY CHECK (id = 1), last_seq INTEGER NOT NULL,
      calls INTEGER NOT NULL, committed INTEGER NOT NULL, unsampled INTEGER NOT NULL,
      lost INTEGER NOT NULL, alive_at_ms REAL NOT NULL) STRICT;
    INSERT INTO account VALUES (1, 9, 9, 30, 3, 1, 5);
    CREATE TABLE calls (seq INTEGER PRIMARY KEY, call TEXT NOT NULL UNIQUE,
      committed_at_ms INTEGER NOT NULL, span_count INTEGER NOT NULL, sampled INTEGER NOT NULL,
      spans BLOB NOT NULL) STRICT;
    INSERT INTO calls VALUES (8, 'old-8', 4, 3, 1, x''), (9, 'old-9', 5, 3, 1, x'');
    CREATE TABLE open_calls (call TEXT NOT NULL, part INTEGER NOT NULL, run TEXT NOT NULL,
      opened_at_ms INTEGER NOT NULL, span_count INTEGER NOT NULL, sampled INTEGER NOT NULL,
      spans BLOB NOT NULL, PRIMARY KEY (call, part)) STRICT;
    CREATE TABLE destinations (name TEXT PRIMARY KEY, cursor INTEGER NOT NULL,
      base_committed INTEGER NOT NULL, base_unsampled INTEGER NOT NULL,
      exported INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0,
      expired INTEGER NOT NULL DEFAULT 0, configured INTEGER NOT NULL DEFAULT 1,
      state TEXT NOT NULL DEFAULT 'active', last_error TEXT NOT NULL DEFAULT '',
      retry_rejected INTEGER NOT NULL DEFAULT 0) STRICT;
    INSERT INTO destinations (name, cursor, base_committed, base_unsampled, exported)
      VALUES ('d', 8, 0, 0, 24);
    CREATE TABLE rejected (destination TEXT NOT NULL, seq INTEGER NOT NULL, call TEXT NOT NULL,
      reason TEXT NOT NULL, rejected_at_ms INTEGER NOT NULL, span_count INTEGER NOT NULL,
      spans BLOB NOT NULL, PRIMARY KEY (destination, seq)) STRICT;
    PRAGMA user_version = 1;`);
  database.close();
  return path;
}

test("a ledger of the first layout is gone on with where it was", () => {
  const path = firstLayout();
  const opening = openLedgerFile(path, "process");
  if (!opening.ok) throw new Error(opening.error);
  cleanups.push(opening.file.close);
  const store = openLedger(opening.file, { run: "r", nowMs: () => 1000, recentBytesMax: 0 });
  expect(store.totals).toEqual({ lastSeq: 9, calls: 9, committed: 30, unsampled: 3, lost: 1 });
  const { call, spans, spanCount, sampled } = testCall();
  store.commit([{ call, spans, spanCount, sampled }], [], 0);
  expect(store.totals).toMatchObject({ lastSeq: 10, calls: 10, committed: 33 });
  expect(store.commit([{ call: "old-9", spans, spanCount, sampled }], [], 0).spans).toBe(0);
});

test("a ledger of the first layout is read as it is", () => {
  const reading = openLedgerReader(firstLayout());
  if (!reading.ok) throw new Error(reading.error);
  cleanups.push(reading.reader.close);
  const account = reading.reader.account();
  expect(account).toMatchObject({ calls: 9, committed: 30, lost: 1 });
  expect(account.destinations).toMatchObject([{ name: "d", committed: 30, pending: 3 }]);
});
