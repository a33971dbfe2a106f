// The queue before a ledger: what waits while it is down is bounded, and what came again is remembered until it is in.

import { expect, test } from "bun:test";
import { join } from "node:path";
import type { ExporterCommand, ExporterEvent } from "../../../../src/protocol/exporter-message.ts";
import { createCommitter, type WriteCommand } from "../../../../src/tracing/exporter/committer.ts";
import { openLedgerFile } from "../../../../src/tracing/exporter/ledger-file.ts";
import type { OpenedLedger } from "../../../../src/tracing/exporter/ledger-keeper.ts";
import { planRoom } from "../../../../src/tracing/exporter/ledger-room.ts";
import type { LedgerService } from "../../../../src/tracing/exporter/ledger-service.ts";
import { openLedger, type Ledger } from "../../../../src/tracing/exporter/ledger.ts";
import { temporaryFolder, testCall } from "../../../support/exporter-harness.ts";
import { waitFor } from "../../../support/wait-for.ts";

const downService: LedgerService = {
  current: () => undefined,
  forCalls: () => undefined,
  isFull: () => false,
  roomMade: () => undefined,
  last: () => undefined,
  problem: () => "it is down",
  downSinceMs: () => 0,
  isFatal: () => false,
  fail: () => undefined,
  rescue: () => undefined,
  whenUp: () => Promise.resolve(false),
  stop: () => undefined,
};

/** One that is up, or down, for calls as for all else. */
function serviceOf(
  current: LedgerService["current"],
  changes: Partial<LedgerService> = {},
): LedgerService {
  return { ...downService, current, forCalls: current, ...changes };
}

function setUp(service = downService, nowMs = () => 0) {
  const events: ExporterEvent[] = [];
  const committer = createCommitter({
    service,
    plan: () => planRoom(Infinity),
    commitTimeoutMs: 60_000,
    nowMs,
    emit: (event) => void events.push(event),
    onCommitted: () => undefined,
  });
  return { committer, events };
}

/** An opened ledger whose commits do that with the names of their calls, or throw. */
function ledgerThat(commits: (names: readonly string[]) => void): OpenedLedger {
  const ledger = {
    commit(calls: readonly { readonly call: string }[]) {
      commits(calls.map(({ call: name }) => name));
      return { spans: 0, sampledSpans: 0 };
    },
    workerPart: () => undefined,
    forgetResent: () => undefined,
    logPages: () => 0,
    totals: { lastSeq: 0 },
    file: { isInPlace: () => true, isLogInPlace: () => true },
  } as unknown as Ledger;
  return { ledger, destinations: new Map(), interruptedCalls: 0 };
}

/** As SQLite fails. */
function failing(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const half = 33 * 1024 * 1024;
const halfText = "x".repeat(half);
const call = { spans: halfText, spanCount: 2, sampled: true };

const kinds: Readonly<Record<string, (name: string) => WriteCommand>> = {
  rows: (name) => ({
    kind: "rows",
    call: name,
    batch: 1,
    rows: [],
    spanCount: 2,
    sizeChars: half,
  }),
  opening: (name) => ({ kind: "opening", call: name, batch: 1, rows: halfText }),
  finished: (name) => ({ kind: "finished", call: name, ...call }),
};

test.each(Object.keys(kinds))(
  "what waits for a ledger that is down is given up beyond a bound: %s",
  async (kind) => {
    const { committer, events } = setUp();
    const make = kinds[kind] as (name: string) => Extract<ExporterCommand, { call: string }>;
    committer.receive(make("a"));
    await new Promise((turn) => setImmediate(turn));
    expect(events).toEqual([]);
    expect(committer.isQuiet()).toBe(false);
    committer.receive(make("b"));
    await waitFor(() => events.length > 0, 1000);
    expect(events).toEqual([{ kind: "failed", calls: "a b", reason: "it is down" }]);
    expect(committer.unwrittenLost()).toBe(kind === "opening" ? 0 : 4);
    await committer.finish();
  },
);

test("what was sent again is remembered until all of it is in the ledger, in as many turns as that takes", async () => {
  const { path, remove } = temporaryFolder();
  const opening = openLedgerFile(join(path, "ledger.db"), "process");
  if (!opening.ok) throw new Error(opening.error);
  const real = openLedger(opening.file, { run: "r", nowMs: Date.now, recentBytesMax: 0 });
  const told: number[] = [];
  const ledger = { ...real, forgetResent: () => void told.push(real.totals.calls) };
  const opened = { ledger, destinations: new Map(), interruptedCalls: 0 };
  const { committer } = setUp(serviceOf(() => opened));
  for (let index = 0; index < 2500; index++) {
    const { call: name, spans, spanCount, sampled } = testCall({ spans: 1 });
    committer.receive({ kind: "finished", call: name, spans, spanCount, sampled });
  }
  await waitFor(() => told.length > 0, 5000);
  expect(told).toEqual([2500]);
  await committer.finish();
  opening.file.close();
  remove();
});

test("what cannot be written now waits in its order, also behind a command that can never be", async () => {
  const written: string[] = [];
  let fails = 0;
  const opened = ledgerThat((names) => {
    if (names.includes("bad")) throw failing("SQLITE_CONSTRAINT");
    if (names.includes("b") && fails++ === 0) throw failing("SQLITE_FULL");
    written.push(...names);
  });
  let isUp = true;
  const { committer, events } = setUp(
    serviceOf(() => (isUp ? opened : undefined), { fail: () => void (isUp = false) }),
  );
  for (const name of ["a", "bad", "b", "c", "d"]) {
    committer.receive({ kind: "finished", call: name, ...call, spans: "" });
  }
  await waitFor(() => !isUp, 1000);
  committer.receive({ kind: "finished", call: "e", ...call, spans: "" });
  isUp = true;
  committer.ledgerChanged();
  await waitFor(() => written.length === 5, 1000);
  expect(written).toEqual(["a", "b", "c", "d", "e"]);
  expect(events.filter(({ kind }) => kind === "failed")).toMatchObject([{ calls: "bad" }]);
  await committer.finish();
});

test("a ledger that can be opened and not written is waited for as long as one that is down", async () => {
  let nowMs = 0;
  let downSinceMs = 0;
  let isUp = true;
  let isFull = true;
  const opened = ledgerThat(() => {
    if (isFull) throw failing("SQLITE_FULL");
  });
  const { committer, events } = setUp(
    serviceOf(() => (isUp ? opened : undefined), {
      downSinceMs: () => downSinceMs,
      fail() {
        isUp = false;
        downSinceMs = nowMs;
        committer.ledgerChanged();
      },
    }),
    () => nowMs,
  );
  const comeUp = async (): Promise<void> => {
    isUp = true;
    committer.ledgerChanged();
    for (let turn = 0; turn < 5; turn++) await new Promise((next) => setImmediate(next));
  };
  const receive = (name: string): void =>
    committer.receive({ kind: "finished", call: name, ...call, spans: "" });

  receive("a");
  for (const at of [0, 20_000, 40_000, 59_000]) {
    nowMs = at;
    await comeUp();
  }
  expect(events).toEqual([]);
  nowMs = 61_000;
  await comeUp();
  expect(events).toMatchObject([{ kind: "failed", calls: "a" }]);
  isFull = false;
  receive("b");
  await comeUp();
  expect(events.at(-1)).toMatchObject({ kind: "committed", calls: "b" });
  isFull = true;
  nowMs = 90_000;
  receive("c");
  await comeUp();
  nowMs = 149_000;
  await comeUp();
  expect(events.length).toBe(2);
  isFull = false;
  await comeUp();
  expect(events.at(-1)).toMatchObject({ kind: "committed", calls: "c" });
  await committer.finish();
});

test("one transaction takes no more than may be in the log, but for a single call", async () => {
  const groups: string[][] = [];
  const opened = ledgerThat((names) => void groups.push([...names]));
  const { groupCharsMax } = planRoom(Infinity);
  const { committer } = setUp(serviceOf(() => opened));
  const receive = (name: string, chars: number): void =>
    committer.receive({ kind: "finished", call: name, ...call, spans: "x".repeat(chars) });
  receive("large", 3 * groupCharsMax);
  for (const name of ["a", "b", "c", "d"]) receive(name, groupCharsMax * 0.6);
  receive("small", 1);
  await waitFor(() => groups.flat().length === 6, 1000);
  expect(groups).toEqual([["large"], ["a", "b"], ["c", "d"], ["small"]]);
  await committer.finish();
});

test("while its disk is full a ledger gets no calls, and is told what was lost", async () => {
  const told: { names: string[]; lost: number }[] = [];
  const opened = ledgerThat(() => undefined);
  const ledger = {
    ...opened.ledger,
    commit(calls: readonly { readonly call: string }[], _journals: unknown, lost: number) {
      told.push({ names: calls.map(({ call: name }) => name), lost });
      return { spans: 0, sampledSpans: 0 };
    },
  } as Ledger;
  let isFull = true;
  const current = () => ({ ...opened, ledger });
  let nowMs = 0;
  const { committer, events } = setUp(
    serviceOf(current, { forCalls: () => (isFull ? undefined : current()), isFull: () => isFull }),
    () => nowMs,
  );
  const receive = (name: string): void =>
    committer.receive({ kind: "finished", call: name, ...call, spans: "" });
  receive("a");
  await new Promise((turn) => setImmediate(turn));
  expect(events).toEqual([]);
  nowMs = 61_000;
  receive("b");
  await waitFor(() => events.length > 0, 1000);
  expect(events).toMatchObject([{ kind: "failed", calls: "a b" }]);
  expect(told).toEqual([]);
  committer.saveLost();
  committer.saveLost();
  expect(told).toEqual([{ names: [], lost: 4 }]);
  expect(committer.unwrittenLost()).toBe(0);
  isFull = false;
  receive("c");
  await waitFor(() => told.length > 1, 1000);
  expect(told.at(-1)).toEqual({ names: ["c"], lost: 0 });
  await committer.finish();
});
