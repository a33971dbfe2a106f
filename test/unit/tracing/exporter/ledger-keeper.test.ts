// Opening a ledger, lock and all.

import { expect, test } from "bun:test";
import { createLedgerKeeper } from "../../../../src/tracing/exporter/ledger-keeper.ts";
import { temporaryFolder, testCall, testTracing } from "../../../support/exporter-harness.ts";

test("while the disk is full, what an earlier process left open stays open, and its log is moved first", () => {
  const { path, remove } = temporaryFolder();
  const tracing = testTracing(path);
  const open = (run: string, isFull: boolean) => {
    const keeper = createLedgerKeeper({ tracing, run, nowMs: Date.now });
    const attempt = keeper.open(isFull);
    if (!attempt.ok) throw new Error(attempt.error);
    const { ledger, interruptedCalls } = attempt.opened;
    return {
      ledger,
      interruptedCalls,
      close() {
        keeper.close(ledger);
        keeper.release();
      },
    };
  };

  const first = open("first", false);
  for (let index = 0; index < 5; index++) {
    const { call, spans, spanCount, sampled } = testCall({ openFrom: 1, padding: 40_000 });
    first.ledger.commit([], [{ call, part: "server", spans, spanCount, sampled }], 0);
  }
  first.close();
  const full = open("second", true);
  expect([full.interruptedCalls, full.ledger.openCalls()]).toEqual([0, 5]);
  full.close();
  const after = open("third", false);
  expect([after.interruptedCalls, after.ledger.openCalls()]).toEqual([5, 0]);
  expect(after.ledger.totals).toMatchObject({ calls: 5, committed: 15 });
  after.close();
  remove();
});
