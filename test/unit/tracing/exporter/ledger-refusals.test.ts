import { afterEach, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { createLedgerRefusals } from "../../../../src/tracing/exporter/ledger-refusals.ts";
import { refusalsTable } from "../../../../src/tracing/exporter/ledger-schema.ts";

const databases: Database[] = [];
afterEach(() => {
  for (const database of databases.splice(0)) database.close();
});

/** Ten calls; those at `refused` were refused. */
function ledger(...refused: readonly number[]) {
  const database = new Database(":memory:", { strict: true });
  databases.push(database);
  database.run("CREATE TABLE calls (seq INTEGER PRIMARY KEY)");
  database.run(refusalsTable);
  for (let seq = 1; seq <= 10; seq++) database.run("INSERT INTO calls VALUES (?)", [seq]);
  const refusals = createLedgerRefusals(database);
  for (const seq of refused) refusals.note(seq);
  const seqs = (): number[] =>
    database
      .query<{ seq: number }, []>("SELECT seq FROM calls ORDER BY seq")
      .all()
      .map(({ seq }) => seq);
  return { refusals, seqs, database };
}

test("only refused calls go, the oldest first, so many at a time", () => {
  const { refusals, seqs } = ledger(2, 3, 5, 9);
  expect(refusals.deleteOldest(10, 2)).toBe(2);
  expect(seqs()).toEqual([1, 4, 5, 6, 7, 8, 9, 10]);
  expect(refusals.deleteOldest(10, 250)).toBe(2);
  expect(seqs()).toEqual([1, 4, 6, 7, 8, 10]);
  expect(refusals.deleteOldest(10, 250)).toBe(0);
});

test("none goes that a destination still lacks", () => {
  const { refusals, seqs } = ledger(2, 9);
  expect(refusals.deleteOldest(5, 250)).toBe(1);
  expect(refusals.deleteOldest(5, 250)).toBe(0);
  expect(seqs()).toContain(9);
});

test("what was deleted with all the others is forgotten; a ledger that has the table keeps it", () => {
  const { refusals, database } = ledger(2, 9);
  refusals.forget(5);
  expect(createLedgerRefusals(database).deleteOldest(10, 250)).toBe(1);
});
