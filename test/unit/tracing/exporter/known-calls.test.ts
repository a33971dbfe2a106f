import { afterEach, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { openKnownCalls } from "../../../../src/tracing/exporter/known-calls.ts";
import { ledgerTables } from "../../../../src/tracing/exporter/ledger-schema.ts";

const databases: Database[] = [];
afterEach(() => {
  for (const database of databases.splice(0)) database.close();
});

function ledgerWith(calls: readonly string[], sizeBytes = 10): Database {
  const database = new Database(":memory:", { strict: true });
  databases.push(database);
  database.run(ledgerTables);
  insert(database, calls, sizeBytes);
  return database;
}

function insert(database: Database, calls: readonly string[], sizeBytes = 10): void {
  const spans = Buffer.alloc(sizeBytes);
  for (const call of calls) {
    database.run(`INSERT INTO calls SELECT coalesce(max(seq), 0) + 1, ?, 0, 1, 1, ? FROM calls`, [
      call,
      spans,
    ]);
  }
}

test("all that its own run has committed may come again", () => {
  const database = ledgerWith(["older"]);
  openKnownCalls(database, "run", 1);
  insert(database, ["a", "b"]);
  const known = openKnownCalls(database, "run", 3);
  expect(["a", "b", "c", "older"].map((call) => known.has(call))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test("what came again is let go of once it has all come, and what was written just now is not", () => {
  const database = ledgerWith([]);
  openKnownCalls(database, "run", 0);
  insert(database, ["a"]);
  const known = openKnownCalls(database, "run", 1);
  known.add("b");
  known.forgetResent();
  expect([known.has("a"), known.has("b")]).toEqual([false, true]);
});

test("of another run's calls the newest are looked at, should it have come in between", () => {
  const megabyte = 1024 * 1024;
  const database = ledgerWith(["a", "b", "c", "d"], megabyte);
  const known = openKnownCalls(database, "run", 4);
  expect(["a", "b", "c", "d"].map((call) => known.has(call))).toEqual([false, true, true, true]);
});

test("what was written just now is known for long, and not when it was taken back", () => {
  const known = openKnownCalls(ledgerWith([]), "run", 0);
  for (let index = 0; index < 5000; index += 1) known.add(`call-${index}`);
  expect(known.has("call-4999")).toBe(true);
  expect(known.has("call-904")).toBe(true);
  known.forget([{ call: "call-4999" }, { call: "call-905" }]);
  expect(known.has("call-4999")).toBe(false);
  expect(known.has("call-905")).toBe(false);
});
