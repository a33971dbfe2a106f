import { describe, expect, test } from "bun:test";
import type { AcknowledgedCommand } from "../../../src/protocol/exporter-message.ts";
import { createUnsettledCalls } from "../../../src/server/unsettled-calls.ts";
import type { ReplyWait, UnsettledCalls } from "../../../src/server/unsettled-calls.ts";

function finished(call: string, changes: { spans?: string; sampled?: boolean } = {}) {
  return { kind: "finished", call, spans: "s", spanCount: 3, sampled: true, ...changes } as const;
}

function opening(call: string): AcknowledgedCommand {
  return { kind: "opening", call, batch: 1, rows: "a row" };
}

function rows(call: string): AcknowledgedCommand {
  return { kind: "rows", call, batch: 1, rows: [], spanCount: 6, sizeChars: 10 };
}

function abandoned(call: string): AcknowledgedCommand {
  return {
    ...finished(call),
    kind: "abandoned",
    fallbackSpans: "f",
    fallbackSpanCount: 2,
    endedAtMs: 0,
    errorType: "worker_lost",
    message: "",
  };
}

function setUp(waitsFor: ReplyWait["waitsFor"] = "commit") {
  let nowMs = 1000;
  const wait = { waitsFor, commitTimeoutMs: 100, exportWaitMs: 300 };
  const unsettled = createUnsettledCalls(wait, () => nowMs);
  const outcomes: string[] = [];
  const add = (command: AcknowledgedCommand): void => {
    void unsettled.add(command)?.then((outcome) => outcomes.push(`${command.call} ${outcome}`));
  };
  return { unsettled, add, outcomes, tick: (ms: number) => void (nowMs += ms) };
}

const names = (unsettled: UnsettledCalls): string[] =>
  unsettled.commands().map(({ kind, call }) => `${kind} ${call}`);
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a reply", () => {
  test("leaves at the commit, once, and the call is no longer kept", async () => {
    const { unsettled, add, outcomes } = setUp();
    add(finished("a"));
    add(finished("b"));
    unsettled.committed(["a", "a", "unknown"]);
    unsettled.failed(["a"]);
    await settled();
    expect(outcomes).toEqual(["a committed"]);
    expect(names(unsettled)).toEqual(["finished b"]);
    expect(unsettled.spans()).toBe(3);
  });

  test("leaves as failed when the ledger gives the call up", async () => {
    const { unsettled, add, outcomes } = setUp();
    add(finished("a"));
    unsettled.failed(["a"]);
    await settled();
    expect(outcomes).toEqual(["a failed"]);
    expect(unsettled.commands()).toEqual([]);
  });

  test("leaves late at its time, not before; its call stays to be sent again until acknowledged", async () => {
    const { unsettled, add, outcomes, tick } = setUp();
    add(finished("a"));
    tick(60);
    add(finished("b"));
    tick(39);
    unsettled.releaseLate();
    await settled();
    expect(outcomes).toEqual([]);
    tick(1);
    unsettled.releaseLate();
    unsettled.releaseLate();
    await settled();
    expect(outcomes).toEqual(["a late"]);
    expect(names(unsettled)).toEqual(["finished a", "finished b"]);
    expect(unsettled.oldestMs()).toBe(1000);
    unsettled.committed(["a"]);
    await settled();
    expect(outcomes).toEqual(["a late"]);
    expect(unsettled.oldestMs()).toBe(1060);
  });

  test("under `export` waits for the export of what is exported at all", async () => {
    const { unsettled, add, outcomes } = setUp("export");
    add(finished("a"));
    add(finished("unsampled", { sampled: false }));
    add(abandoned("b"));
    unsettled.committed(["a", "unsampled", "b"]);
    await settled();
    expect(outcomes).toEqual(["unsampled committed"]);
    expect(unsettled.commands()).toEqual([]); // the ledger has them: nothing is to be sent again
    expect(unsettled.waiting()).toBe(2);
    unsettled.exported(["b", "unknown"]);
    unsettled.exported(["b"]);
    expect(unsettled.waiting()).toBe(1);
    await settled();
    expect(outcomes).toEqual(["unsampled committed", "b committed"]);
  });

  test("under `export` waits no longer than configured from the commit on", async () => {
    const { unsettled, add, outcomes, tick } = setUp("export");
    add(finished("a"));
    tick(90);
    unsettled.committed(["a"]);
    tick(299);
    unsettled.releaseLate();
    await settled();
    expect(outcomes).toEqual([]);
    tick(1);
    unsettled.releaseLate();
    await settled();
    expect(outcomes).toEqual(["a committed"]);
  });

  test("under `export` is not held by a row's opening, which nobody exports", async () => {
    const { unsettled, add, outcomes } = setUp("export");
    add(opening("a"));
    unsettled.committed(["a"]);
    await settled();
    expect(outcomes).toEqual(["a committed"]);
  });

  test("is let go when nobody will answer any more, committed or not", async () => {
    const { unsettled, add, outcomes } = setUp("export");
    add(finished("a"));
    add(finished("b"));
    unsettled.committed(["a"]);
    unsettled.releaseAll();
    unsettled.exported(["a"]);
    await settled();
    expect(outcomes.toSorted()).toEqual(["a committed", "b failed"]);
    expect(unsettled.spans()).toBe(3); // what was never committed is still told
  });
});

describe("what is kept", () => {
  test("is sent again in the order it came, rows' openings and ends among it", async () => {
    const { unsettled, add, outcomes } = setUp();
    add(opening("a"));
    add(finished("b"));
    add(rows("c"));
    expect(names(unsettled)).toEqual(["opening a", "finished b", "rows c"]);
    unsettled.committed(["b"]);
    await settled();
    expect(names(unsettled)).toEqual(["opening a", "rows c"]);
    expect(outcomes).toEqual(["b committed"]);
  });

  test("counts spans as the ledger will: what stands in for a lost worker too, an opening never", () => {
    const { unsettled, add } = setUp();
    add(opening("a"));
    expect(unsettled.spans()).toBe(0);
    add(abandoned("b"));
    add(finished("c"));
    add(rows("d"));
    expect(unsettled.spans()).toBe(5 + 3 + 6);
    unsettled.committed(["b", "d"]);
    unsettled.failed(["c", "c"]);
    expect(unsettled.spans()).toBe(0);
    expect(unsettled.handedOverSpans()).toBe(14);
  });

  test("is bounded: beyond it a call is refused and counted as handed over, until there is room", () => {
    const { unsettled, add } = setUp();
    const big = "x".repeat(128 * 1024 * 1024);
    add(finished("a", { spans: big }));
    add(finished("b", { spans: big }));
    expect(unsettled.add(finished("c"))).toBeUndefined();
    expect(unsettled.spans()).toBe(6);
    expect(unsettled.handedOverSpans()).toBe(9);
    unsettled.committed(["a"]);
    expect(unsettled.add(finished("d"))).toBeDefined();
    expect(names(unsettled)).toEqual(["finished b", "finished d"]);
  });
});
