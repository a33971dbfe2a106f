import { expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { ledgerTables } from "../../../../src/tracing/exporter/ledger-schema.ts";
import { readAliveAtMs, readTotals } from "../../../../src/tracing/exporter/ledger-totals.ts";

function ledger(): Database {
  const database = new Database(":memory:", { strict: true });
  database.run(ledgerTables);
  return database;
}

test("an empty ledger has none", () => {
  const none = { lastSeq: 0, calls: 0, committed: 0, unsampled: 0, lost: 0 };
  expect(readTotals(ledger())).toEqual(none);
});

test("calls behind the account's row are added, those before it are in it", () => {
  const database = ledger();
  database.run(
    "UPDATE account SET last_seq = 7, calls = 7, committed = 30, unsampled = 4, lost = 2",
  );
  expect(readTotals(database)).toMatchObject({ lastSeq: 7, calls: 7, committed: 30 });
  for (const [seq, sampled] of [
    [6, 1],
    [7, 0],
    [8, 1],
    [9, 0],
  ] as const) {
    database.run("INSERT INTO calls VALUES (?, ?, 500, 5, ?, x'')", [seq, `call-${seq}`, sampled]);
  }
  const expected = { lastSeq: 9, calls: 9, committed: 40, unsampled: 9, lost: 2 };
  expect(readTotals(database)).toEqual(expected);
});

test("the process was alive when it wrote last, whatever that was", () => {
  const database = ledger();
  database.run("UPDATE account SET alive_at_ms = 100.5");
  expect(readAliveAtMs(database)).toBe(100.5);
  database.run("INSERT INTO calls VALUES (1, 'a', 200, 1, 1, x''), (2, 'b', 300, 1, 1, x'')");
  expect(readAliveAtMs(database)).toBe(300);
  database.run("INSERT INTO open_calls VALUES ('c', 0, 'run', 400, 1, 1, x'')");
  expect(readAliveAtMs(database)).toBe(400);
});
