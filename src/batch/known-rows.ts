// What the ledger knows of a batch's rows, read alongside the input: both are in order, so that no more than a
// page of it is in memory. Main thread.

import type { KnownRow, Spent } from "../protocol/ended-rows.ts";

/** Rows after that one, in order. */
export type ReadRows = (afterRow: number, limit: number) => readonly KnownRow[];

/** A batch's rows in its ledger, once the exporter has it open. */
export interface BatchRows {
  readonly spent: Spent;
  readonly read: ReadRows;
  readonly result: (row: number) => string | undefined;
  readonly close: () => void;
}

const pageRows = 500;

/** Asked for ascending numbers only; says undefined for a row that was never sent. */
export function createKnownRows(read: ReadRows): (row: number) => KnownRow | undefined {
  let page: readonly KnownRow[] = [];
  let at = 0;
  let isAll = false;
  return (row) => {
    for (;;) {
      const next = page[at];
      if (next === undefined) {
        if (isAll) return undefined;
        // Rows of this run are behind the ones asked for: a page never holds any of them.
        page = read(Math.max(row - 1, page.at(-1)?.row ?? 0), pageRows);
        at = 0;
        isAll = page.length < pageRows;
        if (page.length === 0) return undefined;
        continue;
      }
      if (next.row > row) return undefined;
      at += 1;
      if (next.row === row) return next;
    }
  };
}
