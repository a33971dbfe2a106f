import { describe, expect, test } from "bun:test";
import type { BatchCall } from "../../../../src/tracing/exporter/ledger-rows.ts";
import { createRecentCalls } from "../../../../src/tracing/exporter/recent-calls.ts";

const all = { calls: 100_000, sizeBytes: 1_000_000 };

function call(seq: number, sizeBytes = 10): BatchCall {
  return { seq, call: `call-${seq}`, spanCount: 1, spans: "x".repeat(sizeBytes) };
}

function seqs(calls: readonly BatchCall[] | undefined): number[] | undefined {
  return calls?.map(({ seq }) => seq);
}

describe("the calls committed last", () => {
  test("are given from any place on that they reach back to, seqs left out or not", () => {
    const recent = createRecentCalls(5, 1000);
    for (const seq of [6, 8, 9, 12]) recent.add(call(seq));
    expect(seqs(recent.after(5, all))).toEqual([6, 8, 9, 12]);
    expect(seqs(recent.after(7, all))).toEqual([8, 9, 12]);
    expect(seqs(recent.after(8, all))).toEqual([9, 12]);
    expect(seqs(recent.after(12, all))).toEqual([]);
    expect(recent.after(4, all)).toBeUndefined();
  });

  test("keep to the limits of a batch, which a single larger call may break", () => {
    const recent = createRecentCalls(0, 1000);
    for (const seq of [1, 2, 3, 4]) recent.add(call(seq));
    expect(seqs(recent.after(0, { calls: 3, sizeBytes: 1000 }))).toEqual([1, 2, 3]);
    expect(seqs(recent.after(1, { calls: 3, sizeBytes: 25 }))).toEqual([2, 3]);
    expect(seqs(recent.after(1, { calls: 3, sizeBytes: 5 }))).toEqual([2]);
  });

  test("let the oldest go when they are too many, and then say so", () => {
    const recent = createRecentCalls(0, 35);
    for (const seq of [1, 2, 3, 4, 5]) recent.add(call(seq));
    expect(recent.after(1, all)).toBeUndefined();
    expect(seqs(recent.after(2, all))).toEqual([3, 4, 5]);
    recent.add(call(6, 100));
    expect(recent.after(5, all)).toBeUndefined();
    expect(seqs(recent.after(6, all))).toEqual([]);
  });

  test("forget what nobody asks for any more", () => {
    const recent = createRecentCalls(0, 1000);
    for (const seq of [1, 2, 3]) recent.add(call(seq));
    recent.forget(2);
    expect(recent.after(1, all)).toBeUndefined();
    expect(seqs(recent.after(2, all))).toEqual([3]);
    recent.forget(Infinity);
    recent.add(call(4));
    expect(seqs(recent.after(3, all))).toEqual([4]);
  });

  test("are the newest ones without a gap, whatever is added, asked and forgotten", () => {
    const recent = createRecentCalls(0, 30_000);
    const added: number[] = [];
    for (let seq = 1; seq <= 20_000; seq += 1) {
      if (seq % 7 !== 0) {
        recent.add(call(seq));
        added.push(seq);
      }
      if (seq % 5000 === 0) recent.forget(seq - 1000);
      if (seq % 997 !== 0) continue;
      const found = seqs(recent.after(seq - 500, all));
      expect(found).toEqual(added.filter((one) => one > seq - 500));
    }
  });
});
