// The rows of batches in a real ledger file: written with their calls or not at all, the same twice changes nothing.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type {
  BatchCommand,
  ExporterCommand,
  RowEnd,
  RowsCommand,
} from "../../../../src/protocol/exporter-message.ts";
import { toRowsCommand } from "../../../../src/protocol/ended-rows.ts";
import { openBatchReader } from "../../../../src/tracing/exporter/batch-reader.ts";
import { groupCommands } from "../../../../src/tracing/exporter/commit-group.ts";
import { openLedgerFile } from "../../../../src/tracing/exporter/ledger-file.ts";
import { openLedgerReader } from "../../../../src/tracing/exporter/ledger-reader.ts";
import { openLedger, type Ledger } from "../../../../src/tracing/exporter/ledger.ts";
import { decodeSpans } from "../../../../src/tracing/recorder/span-decoding.ts";
import { writeOpenings } from "../../../../src/tracing/recorder/row-opening.ts";
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
  return openLedger(opened.file, { run, nowMs: Date.now, recentBytesMax: 0 });
}

const origin = {
  run: "r1",
  startMs: 1_700_000_000_000,
  model: "m",
  traceState: "",
  parentSpanId: "",
  link: undefined,
};

function begin(changes: Partial<Extract<BatchCommand, { kind: "batch" }>> = {}): BatchCommand {
  const usual = { batch: 1, name: "out", run: "r1", description: "{}", restart: false };
  return { kind: "batch", call: "r1", origin: JSON.stringify(origin), ...usual, ...changes };
}

let openings = 0;

function opening(call: TestCall, row: number, batch = 1): BatchCommand {
  return openingOf([[call, row]], batch);
}

function openingOf(calls: readonly (readonly [TestCall, number])[], batch = 1): BatchCommand {
  const rows = calls.map(([{ call }, row]) => ({
    call,
    row,
    line: row + 1,
    traceId: "0af7651916cd43dd8448eb211c80319c",
    traceFlags: 3,
    spanId: "b7ad6b7169203331",
    chatSpanId: "c7ad6b7169203331",
    attemptSpanId: "d7ad6b7169203331",
    startMs: 1_700_000_000_000.5,
    model: "",
  }));
  return {
    kind: "opening",
    call: `opening ${++openings}`,
    batch,
    rows: writeOpenings(origin, rows),
  };
}

function end(
  call: TestCall,
  number: number,
  state: "ok" | "failed",
  used: Partial<RowEnd> = {},
): RowsCommand {
  const figures = { inputTokens: 10, outputTokens: 2, cost: 0.5, unpriced: 0, ...used };
  const row = { ...call, row: number, state, ...figures, result: `${state} ${number}` };
  return toRowsCommand(`rows of ${call.call}`, 1, [row]);
}

/** A sending whose thread died: the row goes on in another one. */
function lost(call: TestCall, row: number): ExporterCommand {
  const { spans, spanCount } = call;
  const figures = { inputTokens: 0, outputTokens: 0, cost: 0, unpriced: 0 };
  return {
    ...finished(call),
    kind: "abandoned",
    fallbackSpans: spans,
    fallbackSpanCount: spanCount,
    endedAtMs: 0,
    errorType: "worker_lost",
    message: "gone",
    row: JSON.stringify({ batch: 1, row, state: "open", ...figures }),
    result: "",
  };
}

/** A call that was named when the clock said so. */
function callAt(timeMs: number): TestCall {
  return { ...testCall(), call: Bun.randomUUIDv7("hex", timeMs) };
}

function write(ledger: Ledger, ...commands: readonly ExporterCommand[]): void {
  const group = groupCommands(commands, ledger.workerPart);
  ledger.commit(group.calls, group.journals.values(), group.lostSpans, group);
}

/** As `everyspan status` reads it. */
function statusOf() {
  const reading = openLedgerReader(path);
  if (!reading.ok) throw new Error(reading.error);
  const account = reading.reader.account();
  reading.reader.close();
  return account;
}

describe("a batch's rows", () => {
  test("are open from their opening to the commit of their call", () => {
    const ledger = open();
    const [a, b] = [testCall(), testCall()];
    write(ledger, begin());
    write(
      ledger,
      openingOf([
        [a, 1],
        [b, 2],
      ]),
    );
    expect([ledger.openCalls(), ledger.openSpans()]).toEqual([2, 6]);
    expect(statusOf().openCalls).toBe(2);
    write(ledger, end(a, 1, "ok"));
    const reader = openBatchReader(path);
    expect(reader?.rowsAfter(1, 0, 10)).toEqual([{ row: 1, state: "ok", result: "ok 1" }]);
    expect(reader?.result(1, 1)).toBe("ok 1");
    expect([ledger.openCalls(), ledger.openSpans()]).toEqual([1, 3]);
    expect(statusOf()).toMatchObject({ openCalls: 1, openSpans: 3 });
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
    expect(reader?.rowsAfter(1, 0, 10)).toEqual([{ row: 1, state: "ok", result: "ok 1" }]);
    expect(reader?.totals(1)).toMatchObject({ inputTokens: 20, cost: 1 });
    reader?.close();
    ledger.file.close();
  });

  test("are added up though the sums are past all counting", () => {
    const ledger = open();
    write(ledger, begin());
    for (let row = 1; row <= 1100; row++) {
      const inputTokens = Number.MAX_SAFE_INTEGER;
      write(ledger, end(testCall({ spans: 1 }), row, "ok", { inputTokens }));
    }
    const reader = openBatchReader(path);
    expect(reader?.totals(1).inputTokens).toBeGreaterThan(9e18);
    expect(reader?.totals(1).outputTokens).toBe(2200);
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
    write(ledger, opening(c, 7), end(c, 7, "ok"));
    write(ledger, again);
    const reader = openBatchReader(path);
    expect(reader?.rowsAfter(1, 0, 10).map(({ row }) => row)).toEqual([7]);
    expect(statusOf().openCalls).toBe(1);
    expect(reader?.find("out")).toEqual({ batch: 1, run: "r3", description: "{1}" });
    expect(reader?.nextNumber()).toBe(3);
    reader?.close();
    ledger.file.close();
  });

  test("are written with their calls or not at all", () => {
    const ledger = open();
    const [a, b] = [testCall(), testCall()];
    write(ledger, begin(), opening(a, 1), opening(b, 2));
    const broken = { ...b, spanCount: "many" as unknown as number };
    expect(() => write(ledger, end(a, 1, "ok"), end(broken, 2, "ok"))).toThrow();
    const reader = openBatchReader(path);
    expect(reader?.rowsAfter(1, 0, 10)).toEqual([]);
    expect(ledger.openCalls()).toBe(2);
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
    expect([second.openCalls(), statusOf().openCalls]).toEqual([0, 0]);
    expect(second.totals.committed).toBe(3);
    const reader = openBatchReader(path);
    expect(reader?.rowsAfter(1, 0, 10)[0]).toMatchObject({ state: "open" });
    reader?.close();
    second.file.close();
  });
});

describe("the trace of a row that was open when its run ended", () => {
  test("is whole: the row, the call and its attempt, all of them interrupted", () => {
    const first = open("one");
    const call = testCall();
    write(first, begin(), opening(call, 4));
    first.file.close();
    const second = open("two");
    second.closeInterrupted();
    const [stored] = second.file.database
      .query<{ call: string; spans: Uint8Array }, []>("SELECT call, spans FROM calls")
      .all();
    const spans = decodeSpans(stored?.spans ?? new Uint8Array());
    expect(spans.map(({ name, spanId, parentSpanId }) => [name, spanId, parentSpanId])).toEqual([
      ["batch_row", "b7ad6b7169203331", ""],
      ["chat m", "c7ad6b7169203331", "b7ad6b7169203331"],
      ["POST", "d7ad6b7169203331", "c7ad6b7169203331"],
    ]);
    for (const { attributes, endUnixNano } of spans) {
      expect(attributes).toMatchObject({
        "error.type": "interrupted",
        "everyspan.batch.row": 4,
        "everyspan.batch.run.id": "r1",
      });
      expect(endUnixNano).toBeGreaterThanOrEqual(1_700_000_000_000_500_000n);
    }
    second.file.close();
  });

  test("has what its worker journaled in the place of what stood in for it", () => {
    const first = open("one");
    const call = testCall({ openFrom: 0 });
    write(first, begin(), opening(call, 4));
    const { spans, spanCount } = call;
    const own = { call: call.call, spans, spanCount, sampled: true };
    write(first, { kind: "journal", part: "worker", ...own });
    expect([first.openCalls(), first.openSpans()]).toEqual([1, 1 + spanCount]);
    expect(statusOf()).toMatchObject({ openCalls: 1, openSpans: 1 + spanCount });
    first.file.close();
    const second = open("two");
    expect(second.closeInterrupted()).toBe(1);
    expect(second.totals.committed).toBe(1 + spanCount);
    expect(second.closeInterrupted()).toBe(0);
    second.file.close();
  });

  test("has what stood in for a journal that cannot be read, and keeps no ledger from being opened", () => {
    const first = open("one");
    const [call, other, lone] = [testCall(), testCall({ openFrom: 0 }), testCall()];
    write(first, begin(), opening(call, 4));
    const broken = { spans: "\x12\xc8\x01", spanCount: 9, sampled: true };
    write(first, { kind: "journal", part: "worker", call: call.call, ...broken });
    const { spans, spanCount, sampled } = other;
    write(first, { kind: "journal", part: "server", call: other.call, spans, spanCount, sampled });
    write(first, { kind: "journal", part: "worker", call: other.call, ...broken });
    write(first, { kind: "journal", part: "server", call: lone.call, ...broken });
    first.file.close();
    const second = open("two");
    expect(second.closeInterrupted()).toBe(2);
    expect(second.totals).toMatchObject({ calls: 2, committed: 3 + spanCount, lost: 27 });
    const stored = second.file.database.query<{ call: string; spans: Uint8Array }, []>(
      "SELECT call, spans FROM calls",
    );
    const counts = stored.all().map((row) => [row.call, decodeSpans(row.spans).length] as const);
    expect(new Map(counts)).toEqual(
      new Map([
        [call.call, 3],
        [other.call, spanCount],
      ]),
    );
    expect([second.openCalls(), second.closeInterrupted()]).toEqual([0, 0]);
    second.file.close();
  });

  test("is not closed by a successor of the same run, which knows what is open", () => {
    const first = open("one");
    const [a, b] = [testCall(), testCall()];
    write(
      first,
      begin(),
      openingOf([
        [a, 1],
        [b, 2],
      ]),
      end(a, 1, "ok"),
    );
    first.file.close();
    const second = open("one");
    expect([second.closeInterrupted(), second.openCalls()]).toEqual([0, 1]);
    write(second, end(b, 2, "ok"));
    write(second, begin());
    expect(second.openCalls()).toBe(0);
    const left = second.file.database.query("SELECT count(*) n FROM batch_openings").get();
    expect(left).toEqual({ n: 0 });
    second.file.close();
  });
});

test("a batch whose number or name is another's by now is refused, and that one keeps its rows", () => {
  const ledger = open();
  const call = testCall();
  write(ledger, begin(), opening(call, 1), end(call, 1, "ok"));
  const other = { run: "r2", restart: true };
  expect(() => write(ledger, begin({ ...other, name: "other" }))).toThrow("batches.batch");
  expect(() => write(ledger, begin({ ...other, batch: 2 }))).toThrow("batches.name");
  const reader = openBatchReader(path);
  expect(reader?.find("out")).toEqual({ batch: 1, run: "r1", description: "{}" });
  expect(reader?.rowsAfter(1, 0, 10)).toEqual([{ row: 1, state: "ok", result: "ok 1" }]);
  reader?.close();
  ledger.file.close();
});

describe("a row that is sent again", () => {
  const laterMs = 1_800_000_000_000;
  const earlierMs = laterMs - 3_600_000;

  test.each([
    ["forward", earlierMs, laterMs],
    ["backward", laterMs, earlierMs],
  ])("has the answer of its last sending when the clock goes %s", (_, firstMs, secondMs) => {
    const ledger = open();
    const [first, second] = [callAt(firstMs), callAt(secondMs)];
    write(ledger, begin(), opening(first, 1), end(first, 1, "failed"));
    write(ledger, opening(second, 1), end(second, 1, "ok"));
    write(ledger, end(second, 1, "ok"), end(first, 1, "failed"));
    const reader = openBatchReader(path);
    expect(reader?.rowsAfter(1, 0, 10)).toMatchObject([{ row: 1, state: "ok", result: "ok 1" }]);
    expect(reader?.totals(1)).toMatchObject({ inputTokens: 20, outputTokens: 4, cost: 1 });
    expect(statusOf().openCalls).toBe(0);
    reader?.close();
    ledger.file.close();
  });

  test.each([
    ["forward", earlierMs, laterMs],
    ["backward", laterMs, earlierMs],
  ])("is open in its last sending alone when the clock goes %s", (_, firstMs, secondMs) => {
    const ledger = open("one");
    const [first, second, other] = [callAt(firstMs), callAt(secondMs), testCall()];
    const together = openingOf([
      [first, 1],
      [other, 2],
    ]);
    write(ledger, begin(), together);
    write(ledger, lost(first, 1));
    write(ledger, opening(second, 1));
    expect([ledger.openCalls(), statusOf().openCalls]).toEqual([2, 2]);
    ledger.file.close();

    const successor = open("one");
    expect(successor.openCalls()).toBe(2);
    successor.file.close();

    const next = open("two");
    expect(next.closeInterrupted()).toBe(2);
    const calls = next.file.database.query<{ call: string }, []>("SELECT call FROM calls").all();
    expect(calls.map(({ call }) => call).toSorted()).toEqual(
      [first.call, second.call, other.call].toSorted(),
    );
    const reader = openBatchReader(path);
    expect(reader?.rowsAfter(1, 0, 10).map(({ state }) => state)).toEqual(["open", "open"]);
    reader?.close();
    next.file.close();
  });

  test("keeps its answer when an earlier sending turns out to be open", () => {
    const ledger = open("one");
    const [first, second] = [callAt(laterMs), callAt(earlierMs)];
    write(ledger, begin(), end(second, 1, "ok"), opening(first, 1));
    ledger.file.close();
    const next = open("two");
    next.closeInterrupted();
    const reader = openBatchReader(path);
    expect(reader?.rowsAfter(1, 0, 10)).toMatchObject([{ state: "ok", result: "ok 1" }]);
    reader?.close();
    next.file.close();
  });
});

test("a ledger without batches has none, and one that is not there neither", () => {
  expect(openBatchReader(path)).toBe(undefined);
  const ledger = open();
  const reader = openBatchReader(path);
  expect(reader?.find("out")).toBe(undefined);
  expect(reader?.nextNumber()).toBe(1);
  expect(reader?.rowsAfter(1, 0, 10)).toEqual([]);
  expect(reader?.totals(1).inputTokens).toBe(0);
  reader?.close();
  ledger.file.close();
});
