import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { registerDestinations } from "../../../../src/tracing/exporter/destination-rows.ts";
import { openDestination } from "../../../../src/tracing/exporter/ledger-destinations.ts";
import { openLedgerFile } from "../../../../src/tracing/exporter/ledger-file.ts";
import type { CallRow } from "../../../../src/tracing/exporter/ledger-rows.ts";
import { openLedger, type Ledger } from "../../../../src/tracing/exporter/ledger.ts";
import { temporaryFolder, testCall } from "../../../support/exporter-harness.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

function ledger(folder = newFolder(), run = "run", recentBytesMax = 0): Ledger {
  const opening = openLedgerFile(join(folder, "ledger.db"), "process");
  if (!opening.ok) throw new Error(opening.error);
  cleanups.push(opening.file.close);
  return openLedger(opening.file, { run, nowMs: () => 1_000_000, recentBytesMax });
}

function newFolder(): string {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  return path;
}

function row(changes: Partial<CallRow> = {}): CallRow {
  const { call, spans, spanCount, sampled } = testCall();
  return { call, spans: Buffer.from(spans, "latin1"), spanCount, sampled, ...changes };
}

describe("the ledger", () => {
  test("gives out places in commit order and never twice, whatever is deleted", () => {
    const folder = newFolder();
    const first = ledger(folder);
    first.commit([row(), row()], [], 0);
    first.saveAccount();
    first.file.database.run("DELETE FROM calls");
    expect(first.totals.lastSeq).toBe(2);
    const second = ledger(folder);
    second.commit([row()], [], 0);
    const seqs = second.file.database.query<{ seq: number }, []>("SELECT seq FROM calls").all();
    expect(seqs).toEqual([{ seq: 3 }]);
    expect(second.totals).toMatchObject({ calls: 3, committed: 9, lastSeq: 3 });
  });

  test("adds up whether or not the account's row was written since", () => {
    const folder = newFolder();
    const first = ledger(folder);
    first.commit([row(), row({ sampled: false })], [], 4);
    first.commit([row(), row({ sampled: false })], [], 0);
    const expected = { calls: 4, committed: 12, unsampled: 6, lost: 4, lastSeq: 4 };
    expect(ledger(folder).totals).toEqual(expected);
    first.saveAccount();
    expect(ledger(folder).totals).toEqual(expected);
    for (let index = 0; index < 300; index += 1) first.commit([row()], [], 0);
    expect(ledger(folder).totals).toMatchObject({ calls: 304, committed: 912, lastSeq: 304 });
  });

  test("takes a call once that a thread of the same run has committed before", () => {
    const folder = newFolder();
    const [kept, other] = [row(), row()];
    ledger(folder).commit([kept], [], 0);
    const successor = ledger(folder);
    expect(successor.commit([kept, other], [], 0)).toEqual({ spans: 3, sampledSpans: 3 });
    expect(ledger(folder).commit([other, kept], [], 0)).toEqual({ spans: 0, sampledSpans: 0 });
  });

  test("takes a call that a failed commit has not taken", () => {
    const store = ledger();
    const good = row();
    const bad = row({ spanCount: Number.NaN });
    expect(() => store.commit([good, bad], [], 0)).toThrow();
    expect(store.commit([good], [], 0)).toEqual({ spans: 3, sampledSpans: 3 });
  });

  test("counts a call once however often it comes, also within one commit", () => {
    const store = ledger();
    const call = row();
    expect(store.commit([call, row(), call], [], 0)).toEqual({ spans: 6, sampledSpans: 6 });
    expect(store.commit([call], [], 0)).toEqual({ spans: 0, sampledSpans: 0 });
    expect(store.totals).toMatchObject({ calls: 2, committed: 6 });
  });

  test("a commit that fails changes nothing, in the file or in memory", () => {
    const store = ledger();
    const good = row();
    const journals = [
      { call: "j", part: "worker", spans: "", spanCount: Number.NaN, sampled: true } as const,
    ];
    expect(() => store.commit([good], journals, 5)).toThrow();
    expect(store.totals).toMatchObject({ calls: 0, committed: 0, lost: 0, lastSeq: 0 });
    expect(store.commit([good], [], 0)).toEqual({ spans: 3, sampledSpans: 3 });
  });

  test("knows what is open until the call is committed; a late journal changes nothing", () => {
    const store = ledger();
    const call = row();
    const part = {
      call: call.call,
      part: "worker",
      spans: "",
      spanCount: 2,
      sampled: true,
    } as const;
    store.commit([], [part, { ...part, part: "server", spanCount: 1 }], 0);
    expect([store.openCalls(), store.openSpans()]).toEqual([1, 3]);
    expect(store.workerPart(call.call)?.spanCount).toBe(2);
    store.commit([call], [], 0);
    store.commit([], [part], 0);
    expect([store.openCalls(), store.openSpans()]).toEqual([0, 0]);
    expect(store.workerPart(call.call)).toBeUndefined();
  });
});

describe("a destination's rows", () => {
  test("every span is in one state at each step", () => {
    const store = ledger();
    registerDestinations(store, [{ name: "d", backfill: false }]);
    const rows = openDestination(store, "d");
    const added = store.commit([row(), row({ sampled: false }), row(), row(), row(), row()], [], 0);
    rows.addPending(added.sampledSpans);
    const check = (states: object): void => {
      const account = rows.account();
      const { exported, pending, rejected, expired, unsampled } = account;
      expect(exported + pending + rejected + expired + unsampled).toBe(account.committed);
      expect(account).toMatchObject(states);
      const counted = openDestination(store, "d").account();
      expect(counted).toEqual(account);
    };
    check({ committed: 18, unsampled: 3, pending: 15 });
    const batch = rows.nextBatch({ calls: 10, sizeBytes: 1 << 20 });
    expect(batch.map(({ seq }) => seq)).toEqual([1, 3, 4, 5, 6]);
    rows.advance(batch.slice(0, 1), 2);
    check({ exported: 1, rejected: 2, pending: 12 });
    const [, poison] = batch;
    if (poison === undefined) throw new Error("no call");
    rows.setAside(poison, "bad");
    check({ rejected: 5, pending: 9 });
    rows.restore([poison.seq]);
    check({ rejected: 2, pending: 12 });
    rows.setAside(poison, "bad");
    expect(rows.nextSetAside(0)?.call).toBe(poison.call);
    rows.acceptSetAside(poison);
    rows.acceptSetAside(poison);
    check({ exported: 4, rejected: 2 });
    expect(rows.expireThrough(4)).toBe(3);
    check({ expired: 3, pending: 6 });
    rows.advance(batch, 0);
    check({ exported: 10, pending: 0 });
    rows.advance(batch, 0);
    check({ exported: 10, pending: 0 });
    expect(rows.doneThrough()).toBe(6);
  });

  test("batches are bounded by calls and by size, and hold at least one call", () => {
    const store = ledger();
    registerDestinations(store, [{ name: "d", backfill: false }]);
    const rows = openDestination(store, "d");
    const spans = new Uint8Array(1000);
    store.commit(
      Array.from({ length: 5 }, () => row({ spans })),
      [],
      0,
    );
    const count = (calls: number, sizeBytes: number): number =>
      rows.nextBatch({ calls, sizeBytes }).length;
    expect([count(3, 1e6), count(9, 2500), count(9, 10), count(9, 1e6)]).toEqual([3, 2, 1, 5]);
  });

  test("a batch of a ledger that was lost does not move the cursor of the next one", () => {
    const store = ledger();
    registerDestinations(store, [{ name: "d", backfill: false }]);
    const rows = openDestination(store, "d");
    store.commit([row(), row()], [], 0);
    rows.addPending(6);
    rows.advance([{ seq: 2, call: "of another ledger", spanCount: 3, spans: large() }], 0);
    expect(rows.cursor()).toBe(0);
    expect(rows.pendingSpans()).toBe(6);
  });
});

function large(): Uint8Array {
  return new Uint8Array(10);
}
