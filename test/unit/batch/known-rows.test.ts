import { expect, test } from "bun:test";
import { createKnownRows } from "../../../src/batch/known-rows.ts";
import type { KnownRow } from "../../../src/protocol/ended-rows.ts";

function ledgerOf(rows: readonly number[]): {
  reads: number;
  read: (after: number, limit: number) => KnownRow[];
} {
  const ledger = {
    reads: 0,
    read(after: number, limit: number): KnownRow[] {
      ledger.reads += 1;
      return rows
        .filter((row) => row > after)
        .slice(0, limit)
        .map((row) => ({ row, state: "ok", result: `r${row}` }));
    },
  };
  return ledger;
}

test("each known row is found, in pages, and others are not", () => {
  const known = Array.from({ length: 3000 }, (_, at) => at + 1).filter((row) => row % 7 !== 3);
  const ledger = ledgerOf(known);
  const find = createKnownRows(ledger.read);
  for (let row = 1; row <= 3100; row++) {
    expect(find(row)?.row).toBe(row <= 3000 && row % 7 !== 3 ? row : (undefined as never));
  }
  expect(ledger.reads).toBeLessThan(10);
});

test("rows that are left out are passed over", () => {
  const find = createKnownRows(ledgerOf([2, 5, 9, 700, 2000]).read);
  expect([5, 6, 700, 1500, 2000].map((row) => find(row)?.result)).toEqual([
    "r5",
    undefined,
    "r700",
    undefined,
    "r2000",
  ] as never);
});
