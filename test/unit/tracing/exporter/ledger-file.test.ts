import { afterEach, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { openBatchReader } from "../../../../src/tracing/exporter/batch-reader.ts";
import { openLedgerFile } from "../../../../src/tracing/exporter/ledger-file.ts";
import { openLedgerReader } from "../../../../src/tracing/exporter/ledger-reader.ts";
import { ledgerVersion } from "../../../../src/tracing/exporter/ledger-schema.ts";
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

test("a folder is no ledger, and no waiting makes it one", () => {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  const error = `${path} is a folder, no ledger`;
  expect(openLedgerFile(path, "process")).toEqual({ ok: false, fatal: true, error });
  expect(openLedgerReader(path)).toEqual({ ok: false, error });
});

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

/** A first layout's batch: two rows that ended, and one that was under way when its process died. */
const firstBatch = `
  CREATE TABLE batches (batch INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, run TEXT NOT NULL,
    description TEXT NOT NULL) STRICT;
  INSERT INTO batches VALUES (1, '/out.jsonl', 'r1', '{}');
  CREATE TABLE batch_rows (batch INTEGER NOT NULL, row INTEGER NOT NULL, call TEXT NOT NULL,
    state INTEGER NOT NULL, sends INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL, cost REAL NOT NULL, unpriced INTEGER NOT NULL,
    result TEXT NOT NULL, PRIMARY KEY (batch, row)) STRICT, WITHOUT ROWID;
  INSERT INTO batch_rows VALUES (1, 1, 'a', 1, 1, 10, 2, 0.5, 0, 'fine'),
    (1, 2, 'b', 2, 1, 10, 2, 0.5, 0, 'bad'), (1, 3, 'c', 0, 1, 0, 0, 0, 0, '');`;

/** Whatever layout the file claims: an everyspan that knew no better had made it a second one. */
test.each([1, 2])("a batch of the first layout is gone on with, in a ledger of layout %d", (as) => {
  const path = firstLayout();
  const database = new Database(path, { strict: true });
  database.run(firstBatch);
  if (as === 2) {
    database.run("ALTER TABLE account ADD COLUMN run TEXT NOT NULL DEFAULT ''");
    database.run("ALTER TABLE account ADD COLUMN run_seq INTEGER NOT NULL DEFAULT 0");
    database.run("CREATE TABLE refusals (seq INTEGER PRIMARY KEY) STRICT");
    database.run("PRAGMA user_version = 2");
  }
  database.close();
  const before = openLedgerReader(path);
  if (!before.ok) throw new Error(before.error);
  expect(before.reader.account().openCalls).toBe(0);
  before.reader.close();

  const opening = openLedgerFile(path, "process");
  if (!opening.ok) throw new Error(opening.error);
  cleanups.push(opening.file.close);
  const store = openLedger(opening.file, { run: "r", nowMs: () => 1000, recentBytesMax: 0 });
  expect(store.closeInterrupted()).toBe(0);
  const begun = { kind: "batch", call: "r2", batch: 1, name: "/out.jsonl", run: "r2" } as const;
  const more = { description: "{}", origin: "{}", restart: false };
  store.commit([], [], 0, { begun: [{ ...begun, ...more }], rows: [] });
  const reader = openBatchReader(path);
  expect(reader?.find("/out.jsonl")).toMatchObject({ batch: 1, run: "r2" });
  expect(reader?.rowsAfter(1, 0, 10).map(({ state }) => state)).toEqual(["ok", "failed", "open"]);
  reader?.close();
});

test("a ledger of the second layout, which may lack the table of refused calls, gets it", () => {
  const path = firstLayout();
  const database = new Database(path, { strict: true });
  database.run("ALTER TABLE account ADD COLUMN run TEXT NOT NULL DEFAULT ''");
  database.run("ALTER TABLE account ADD COLUMN run_seq INTEGER NOT NULL DEFAULT 0");
  database.run("PRAGMA user_version = 2");
  database.close();
  const opening = openLedgerFile(path, "process");
  if (!opening.ok) throw new Error(opening.error);
  cleanups.push(opening.file.close);
  const { database: opened } = opening.file;
  expect(opened.query("SELECT count(*) n FROM refusals").get()).toEqual({ n: 0 });
  expect(opened.query("PRAGMA user_version").get()).toEqual({ user_version: ledgerVersion });
});

test("a ledger of the first layout is read as it is", () => {
  const reading = openLedgerReader(firstLayout());
  if (!reading.ok) throw new Error(reading.error);
  cleanups.push(reading.reader.close);
  const account = reading.reader.account();
  expect(account).toMatchObject({ calls: 9, committed: 30, lost: 1 });
  expect(account.destinations).toMatchObject([{ name: "d", committed: 30, pending: 3 }]);
});
