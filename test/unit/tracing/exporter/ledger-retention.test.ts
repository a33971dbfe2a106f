// What goes by age, with a clock that was set, and what goes for want of room on the volume.

import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { registerDestinations } from "../../../../src/tracing/exporter/destination-rows.ts";
import { openDestination } from "../../../../src/tracing/exporter/ledger-destinations.ts";
import { openLedgerFile } from "../../../../src/tracing/exporter/ledger-file.ts";
import { applyRetention } from "../../../../src/tracing/exporter/ledger-retention.ts";
import { pageSizeBytes } from "../../../../src/tracing/exporter/ledger-schema.ts";
import { openLedger, type Ledger } from "../../../../src/tracing/exporter/ledger.ts";
import { temporaryFolder, testCall } from "../../../support/exporter-harness.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

const hourMs = 3_600_000;
const limits = { retentionMs: hourMs, maxSizeBytes: 1e9 };

function setUp() {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  const opening = openLedgerFile(join(path, "ledger.db"), "process");
  if (!opening.ok) throw new Error(opening.error);
  const { file } = opening;
  cleanups.push(file.close);
  let clockMs = 0;
  const open = (): Ledger =>
    openLedger(file, { run: "r", nowMs: () => clockMs, recentBytesMax: 0 });
  let ledger = open();
  const count = file.database.query<{ n: number }, []>("SELECT count(*) n FROM calls");
  return {
    /** Commits calls when the clock says so. */
    at(nowMs: number, calls = 1) {
      clockMs = nowMs;
      for (let index = 0; index < calls; index++) {
        const { call, spans, spanCount, sampled } = testCall({ spans: 1 });
        ledger.commit([{ call, spans, spanCount, sampled }], [], 0);
      }
    },
    /** Within a process no clock goes back. */
    startAnew(nowMs: number) {
      clockMs = nowMs;
      ledger = open();
    },
    /** Calls that are left after retention's steps. */
    left(nowMs: number) {
      clockMs = nowMs;
      const opened = { ledger, destinations: new Map(), interruptedCalls: 0 };
      while (applyRetention(opened, limits, nowMs).isBehind);
      return count.get()?.n ?? 0;
    },
  };
}

test("calls go when they are old enough, the oldest first", () => {
  const { at, left } = setUp();
  for (const hour of [1, 2, 3]) at(hour * hourMs);
  expect(left(2.5 * hourMs)).toBe(2);
  expect(left(3.5 * hourMs)).toBe(1);
  expect(left(9 * hourMs)).toBe(0);
});

test("calls of a clock that was ahead are kept as long as others, and hold none back", () => {
  const { at, startAnew, left } = setUp();
  at(1.5 * hourMs, 10);
  at(10_000 * hourMs, 600);
  startAnew(2 * hourMs);
  at(2.1 * hourMs);
  expect(left(2.4 * hourMs)).toBe(611);
  expect(left(2.6 * hourMs)).toBe(601);
  startAnew(2.7 * hourMs);
  expect(left(3.05 * hourMs)).toBe(1);
  expect(left(4 * hourMs)).toBe(0);
});

describe("for want of room on its volume", () => {
  const padding = 5000;
  const mebibyte = 1 << 20;

  function setUpDestination() {
    const { path, remove } = temporaryFolder();
    cleanups.push(remove);
    const opening = openLedgerFile(join(path, "ledger.db"), "process");
    if (!opening.ok) throw new Error(opening.error);
    const { file } = opening;
    cleanups.push(file.close);
    const ledger = openLedger(file, { run: "r", nowMs: Date.now, recentBytesMax: 0 });
    registerDestinations(ledger, [{ name: "main", backfill: false }]);
    const main = openDestination(ledger, "main");
    for (let index = 0; index < 1000; index++) {
      const { call, spans, spanCount, sampled } = testCall({ spans: 1, padding });
      main.addPending(ledger.commit([{ call, spans, spanCount, sampled }], [], 0).sampledSpans);
    }
    const opened = { ledger, destinations: new Map([["main", main]]), interruptedCalls: 0 };
    const needs = { reusableBytes: 0, returnedBytes: 0, vacuumPages: 16 };
    return {
      ledger,
      main,
      /** All steps, and how much is free in the file then. */
      apply(changes: Partial<typeof needs>) {
        for (let isBehind = true; isBehind;) {
          const step = applyRetention(opened, limits, Date.now(), { ...needs, ...changes });
          expect(step.expired.size).toBe(0);
          ({ isBehind } = step);
        }
        const free = file.database.query<{ freelist_count: number }, []>("PRAGMA freelist_count");
        return (free.get()?.freelist_count ?? 0) * pageSizeBytes;
      },
      pages: () =>
        file.database.query<{ page_count: number }, []>("PRAGMA page_count").get()?.page_count ?? 0,
      calls: () =>
        file.database.query<{ n: number }, []>("SELECT count(*) n FROM calls").get()?.n ?? 0,
    };
  }

  test("as many exported calls go as that takes, and none that a destination lacks", () => {
    const { main, apply, calls } = setUpDestination();
    expect(apply({ reusableBytes: mebibyte })).toBe(0);
    expect(calls()).toBe(1000);
    main.advance(main.nextBatch({ calls: 600, sizeBytes: 1e9 }), 0);
    expect(apply({ reusableBytes: mebibyte })).toBeGreaterThanOrEqual(mebibyte);
    expect(calls()).toBe(750);
    expect(apply({ reusableBytes: 100 * mebibyte })).toBeGreaterThan(2 * mebibyte);
    expect(calls()).toBe(400);
    expect(main.account()).toMatchObject({ exported: 600, pending: 400, expired: 0 });
  });

  test("free pages go back to it when it has none", () => {
    const { main, apply, pages } = setUpDestination();
    main.advance(main.nextBatch({ calls: 500, sizeBytes: 1e9 }), 0);
    expect(apply({ reusableBytes: 100 * mebibyte })).toBeGreaterThan(2 * mebibyte);
    const before = pages();
    expect(apply({ reusableBytes: 0, returnedBytes: mebibyte })).toBe(0);
    expect(pages()).toBeLessThan(before * 0.6);
  });
});
