// The rows of batches in a real ledger file: written with their calls or not at all, the same twice changes nothing.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { BatchCommand, RowEnd } from "../../../../src/protocol/exporter-message.ts";
import { openBatchReader } from "../../../../src/tracing/exporter/batch-reader.ts";
import { groupCommands } from "../../../../src/tracing/exporter/commit-group.ts";
import { openLedgerFile } from "../../../../src/tracing/exporter/ledger-file.ts";
import { openLedger, type Ledger } from "../../../../src/tracing/exporter/ledger.ts";
import {
  finished,
  temporaryFolder,
  testCall,
  type TestCall,
} from "../../../support/exporter-harness.ts";

let folder: ReturnType<typeof temporaryFolder>;
let path: string;

beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, "run.db");
});
afterEach(() => folder.remove());

function open(run = "life"): Ledger {
  const opened = openLedgerFile(path, "process");
  if (!opened.ok) throw new Error(opened.error);
  return openLedger(opened.file, run, Date.now);
}

function begin(changes: Partial<Extract<BatchCommand, { kind: "batch" }>> = {}): BatchCommand {
  const usual = { batch: 1, name: "out", run: "r1", description: "{}", restart: false };
  return { kind: "batch", call: "r1", ...usual, ...changes };
}

function opening(call: TestCall, row: number, batch = 1): BatchCommand {
  const { spans, spanCount } = call;
  const standIn = { standIn: "", standInCount: 0 };
  return {
    kind: "opening",
    call: call.call,
    batch,
    row,
    spans,
    spanCount,
    ...standIn,
    sampled: true,
  };
}

function end(call: TestCall, row: number, state: RowEnd["state"]): ReturnType<typeof finished> {
  const figures = { inputTokens: 10, outputTokens: 2, cost: 0.5, unpriced: 0 };
  const rowEnd: RowEnd = { batch: 1, row, state, ...figures };
  const result = `${state} ${row}`;
  return { ...finished(call), row: JSON.stringify(rowEnd), result } as ReturnType<typeof finished>;
}

function write(ledger: Ledger, ...commands: Parameters<typeof groupCommands>[0]): void {
  const group = groupCommands(commands, ledger.workerPart);
  ledger.commit(group.calls, group.journals.values(), group.lostSpans, group);
}

describe("a batch's rows", () => {
  test("are open from their opening to the commit of their call", () => {
    const ledger = open();
    const [a, b] = [testCall(), testCall()];
    write(ledger, begin());
    write(ledger, opening(a, 1), opening(b, 2));
    expect(ledger.openCalls()).toBe(2);
    write(ledger, end(a, 1, "ok"));
    const reader = openBatchReader(path);
    expect(reader?.rowsAfter(1, 0, 10)).toEqual([
      { row: 1, state: "ok", sends: 1, result: "ok 1" },
      { row: 2, state: "open", sends: 1, result: "" },
    ]);
    expect(reader?.result(1, 1)).toBe("ok 1");
    expect(ledger.openCalls()).toBe(1);
    reader?.close();
    ledger.file.close();
  });

  test("change nothing when they are written again, as to an exporter's successor", () => {
    const ledger = open();
    const call = testCall();
    for (let time = 0; time < 3; time++) write(ledger, begin());
    for (let time = 0; time < 3; time++) write(ledger, opening(call, 1));
    for (let time = 0; time < 3; time++) write(ledger, end(call, 1, "failed"));
    const reader = openBatchReader(path);
    expect(reader?.totals(1)).toEqual({
      sends: 1,
      inputTokens: 10,
      outputTokens: 2,
      cost: 0.5,
      unpriced: 0,
    });
    expect(reader?.rowsAfter(1, 0, 10)[0]?.state).toBe("failed");
    expect(ledger.totals.calls).toBe(1);
    reader?.close();
    ledger.file.close();
  });

  test("add up what all their sendings have used", () => {
    const ledger = open();
    const [first, second] = [testCall(), testCall()];
    write(ledger, begin(), opening(first, 1), end(first, 1, "failed"));
    write(ledger, opening(second, 1), end(second, 1, "ok"));
    const reader = openBatchReader(path);
    expect(reader?.rowsAfter(1, 0, 10)).toEqual([
      { row: 1, state: "ok", sends: 2, result: "ok 1" },
    ]);
    expect(reader?.totals(1)).toMatchObject({ sends: 2, inputTokens: 20, cost: 1 });
    reader?.close();
    ledger.file.close();
  });

  test("are forgotten by a restart, once, and those of other batches stay", () => {
    const ledger = open();
    const [a, b, c] = [testCall(), testCall(), testCall()];
    write(ledger, begin(), opening(a, 1), end(a, 1, "ok"));
    write(ledger, begin({ batch: 2, name: "other", run: "r2" }));
    write(ledger, opening(b, 1, 2));
    const again = begin({ run: "r3", restart: true, description: "{1}" });
    write(ledger, again);
    write(ledger, opening(c, 7));
    write(ledger, again);
    const reader = openBatchReader(path);
    expect(reader?.rowsAfter(1, 0, 10).map(({ row }) => row)).toEqual([7]);
    expect(reader?.rowsAfter(2, 0, 10).length).toBe(1);
    expect(reader?.find("out")).toEqual({ batch: 1, run: "r3", description: "{1}" });
    expect(reader?.nextNumber()).toBe(3);
    reader?.close();
    ledger.file.close();
  });

  test("are written with their calls or not at all", () => {
    const ledger = open();
    const [a, b] = [testCall(), testCall()];
    write(ledger, begin(), opening(a, 1), opening(b, 2));
    const broken = { ...end(b, 2, "ok"), spanCount: "many" as unknown as number };
    expect(() => write(ledger, end(a, 1, "ok"), broken)).toThrow();
    const reader = openBatchReader(path);
    expect(reader?.rowsAfter(1, 0, 10).map(({ state }) => state)).toEqual(["open", "open"]);
    expect(ledger.totals.calls).toBe(0);
    reader?.close();
    ledger.file.close();
  });

  test("of an earlier life stay open, and their calls are closed as interrupted", () => {
    const first = open("one");
    write(first, begin(), opening(testCall(), 1));
    first.file.close();
    const second = open("two");
    expect(second.closeInterrupted()).toBe(1);
    const reader = openBatchReader(path);
    expect(reader?.rowsAfter(1, 0, 10)[0]?.state).toBe("open");
    reader?.close();
    second.file.close();
  });
});

test("a ledger without batches has none, and one that is not there neither", () => {
  expect(openBatchReader(path)).toBe(undefined);
  const ledger = open();
  const reader = openBatchReader(path);
  expect(reader?.find("out")).toBe(undefined);
  expect(reader?.nextNumber()).toBe(1);
  expect(reader?.rowsAfter(1, 0, 10)).toEqual([]);
  expect(reader?.totals(1).sends).toBe(0);
  reader?.close();
  ledger.file.close();
});
