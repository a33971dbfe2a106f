import { describe, expect, test } from "bun:test";
import type { ExporterCommand } from "../../../../src/protocol/exporter-message.ts";
import { groupCommands } from "../../../../src/tracing/exporter/commit-group.ts";
import { decodeSpans } from "../../../../src/tracing/recorder/span-decoding.ts";
import { finished, testCall, type TestCall } from "../../../support/exporter-harness.ts";

const none = (): undefined => undefined;

function journal(of: TestCall, part: "server" | "worker", call = of.call): ExporterCommand {
  const { spans, spanCount, sampled } = of;
  return { kind: "journal", call, part, spans, spanCount, sampled };
}

function abandoned(own: TestCall, fallback: TestCall): ExporterCommand {
  return {
    kind: "abandoned",
    call: own.call,
    spans: own.spans,
    spanCount: own.spanCount,
    fallbackSpans: fallback.spans,
    fallbackSpanCount: fallback.spanCount,
    sampled: true,
    endedAtMs: Date.now() + 1000,
    errorType: "worker_lost",
    message: "gone",
  };
}

describe("a group of commands", () => {
  test("keeps the order of calls and sums what was lost", () => {
    const [a, b] = [testCall(), testCall()];
    const group = groupCommands(
      [finished(a), { kind: "lost", spanCount: 2 }, finished(b), { kind: "lost", spanCount: 5 }],
      none,
    );
    expect(group.calls.map(({ call }) => call)).toEqual([a.call, b.call]);
    expect(group.lostSpans).toBe(7);
  });

  test("writes no journal of a call that ends in it, and of others the last one", () => {
    const [short, long] = [testCall(), testCall()];
    const later = { ...testCall({ spans: 5 }), call: long.call };
    const group = groupCommands(
      [
        journal(short, "server"),
        journal(short, "worker"),
        journal(long, "worker"),
        journal(later, "worker"),
        journal(long, "server"),
        finished(short),
      ],
      none,
    );
    expect([...group.journals.values()].map(({ part, spanCount }) => [part, spanCount])).toEqual([
      ["worker", 5],
      ["server", 3],
    ]);
  });
});

describe("an abandoned call", () => {
  const own = testCall({ spans: 2 });
  const open = testCall({ spans: 3, openFrom: 1 });
  const standIn = testCall({ spans: 1, openFrom: 0 });

  function spansWith(commands: ExporterCommand[], find: Parameters<typeof groupCommands>[1]) {
    const [row] = groupCommands(commands, find).calls;
    const spans = decodeSpans(row?.spans ?? "");
    expect(row?.spanCount).toBe(spans.length);
    expect(spans.every(({ endMs }) => endMs !== undefined)).toBe(true);
    return spans.map(({ spanId }) => spanId);
  }

  test("takes its worker part from the same group, else from the ledger, else the stand-in", () => {
    const stored = { spans: Buffer.from(open.spans, "latin1"), spanCount: 3 };
    const command = abandoned(own, standIn);
    const whole = [...own.spanIds, ...open.spanIds];
    expect(spansWith([journal(open, "worker", own.call), command], none)).toEqual(whole);
    expect(spansWith([command], () => stored)).toEqual(whole);
    expect(spansWith([command], none)).toEqual([...own.spanIds, ...standIn.spanIds]);
  });

  test("falls back to the stand-in when its journal cannot be read", () => {
    const broken = { spans: Uint8Array.from([0x12, 200, 1]), spanCount: 9 };
    expect(spansWith([abandoned(own, standIn)], () => broken)).toEqual([
      ...own.spanIds,
      ...standIn.spanIds,
    ]);
  });
});
