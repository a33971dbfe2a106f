// What stays in the ledger, for whom and how long: real thread, real ledger, real sockets.

import { afterEach, describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import type { TracingConfig } from "../../src/config/schema.ts";
import { openLedgerReader, type LedgerReader } from "../../src/tracing/exporter/ledger-reader.ts";
import {
  assertAddsUp,
  finished,
  startExporter,
  temporaryFolder,
  testCall,
  testDestination,
  testTracing,
  type TestExporter,
} from "../support/exporter-harness.ts";
import { startReceiver, type ScriptedReceiver } from "../support/scripted-receiver.ts";
import { waitFor } from "../support/wait-for.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function folder(): string {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  return path;
}

function receiver(...start: Parameters<typeof startReceiver>): ScriptedReceiver {
  const started = startReceiver(...start);
  cleanups.push(started.stop);
  return started;
}

async function exporter(tracing: TracingConfig): Promise<TestExporter> {
  const started = await startExporter(tracing);
  cleanups.push(() => started.worker.terminate());
  return started;
}

function reader(tracing: TracingConfig): LedgerReader {
  const reading = openLedgerReader(tracing.ledger.path);
  if (!reading.ok) throw new Error(reading.error);
  cleanups.push(reading.reader.close);
  return reading.reader;
}

async function commit(thread: TestExporter, count: number, padding = 0) {
  const calls = Array.from({ length: count }, () => testCall({ padding }));
  for (const call of calls) thread.send(finished(call));
  await thread.committed(...calls.map(({ call }) => call));
  return calls;
}

const unavailable = () => new Response("", { status: 503 });

describe("retention", () => {
  test("deletes exported calls by age", async () => {
    const out = receiver();
    const path = folder();
    const main = testDestination("main", out.endpoint);
    const brief = { ledger: { retentionMs: 1 } };
    const thread = await exporter(testTracing(path, { destinations: [main], ...brief }));
    await commit(thread, 600);
    const status = reader(testTracing(path));
    await waitFor(() => status.calls({ last: 1 }).length === 0, 10_000, "an empty ledger");
    const account = await thread.stop();
    expect(account).toMatchObject({ calls: 600, committed: 1800 });
    expect(account.destinations[0]).toMatchObject({ exported: 1800, expired: 0 });
  });

  test("keeps the file within max_size, exported calls going first", async () => {
    const out = receiver();
    const tracing = testTracing(folder(), {
      destinations: [testDestination("main", out.endpoint)],
      ledger: { maxSizeBytes: 4 << 20 },
    });
    const thread = await exporter(tracing);
    for (let round = 0; round < 10; round += 1) await commit(thread, 200, 3000);
    await waitFor(
      () =>
        statSync(tracing.ledger.path).size > 0 && reader(tracing).calls({ last: 999 }).length < 500,
      15_000,
      "a smaller ledger",
    );
    const account = await thread.stop();
    assertAddsUp(account);
    expect(account.destinations[0]).toMatchObject({ exported: 6000, expired: 0, pending: 0 });
    expect(out.accepted()).toHaveLength(6000);
  }, 30_000);

  test("lets refused calls go first: a flood of them evicts no other", async () => {
    const out = receiver();
    const tracing = testTracing(folder(), {
      destinations: [testDestination("main", out.endpoint)],
      ledger: { maxSizeBytes: 4 << 20 },
    });
    const thread = await exporter(tracing);
    const real = await commit(thread, 500, 1000);
    for (let round = 0; round < 8; round++) {
      const flood = Array.from({ length: 500 }, () => testCall({ padding: 1000 }));
      for (const call of flood) thread.send({ ...finished(call), isRefusal: true });
      await thread.committed(...flood.map(({ call }) => call));
    }
    const status = reader(tracing);
    const kept = await waitFor(
      async () => {
        const now = await thread.account();
        const all = status.calls({ last: 100_000 });
        return now.destinations[0]?.pending === 0 && all.length < 1500 && all;
      },
      10_000,
      "the refused calls gone",
    );
    const ids = new Set(kept.map(({ call }) => call));
    expect(real.filter(({ call }) => !ids.has(call))).toEqual([]);
    const account = await thread.stop();
    assertAddsUp(account);
    expect(account.destinations[0]).toMatchObject({ exported: 13_500, expired: 0, pending: 0 });
  }, 30_000);

  test("gives up what a dead destination lacks only under max_size, and counts it", async () => {
    const out = receiver(unavailable);
    const tracing = testTracing(folder(), {
      destinations: [testDestination("main", out.endpoint)],
      ledger: { maxSizeBytes: 4 << 20, retentionMs: 1 },
    });
    const thread = await exporter(tracing);
    const calls = await commit(thread, 1000, 3000);
    const account = await waitFor(
      async () => {
        const now = await thread.account();
        return (now.destinations[0]?.expired ?? 0) > 0 && now;
      },
      10_000,
      "expiry",
    );
    assertAddsUp(account);
    expect(thread.notices().join("\n")).toContain("spans expire for main");
    out.answerWith(() => new Response(null));
    const settled = await waitFor(
      async () => {
        const now = await thread.account();
        return now.destinations[0]?.pending === 0 && now;
      },
      10_000,
      "delivery of the rest",
    );
    assertAddsUp(settled);
    const { exported, expired } = settled.destinations[0] ?? { exported: 0, expired: 0 };
    expect(exported + expired).toBe(3000);
    expect(exported).toBeGreaterThan(0);
    expect(out.accepted()).toHaveLength(exported);
    const rest = calls.flatMap(({ spanIds }) => spanIds).slice(expired);
    expect(out.accepted().map(({ spanId }) => spanId)).toEqual(rest);
  }, 30_000);
});

describe("destinations that come and go", () => {
  test("a new one starts now, or with backfill at the oldest kept call", async () => {
    const [now, back] = [receiver(), receiver()];
    const path = folder();
    const first = await exporter(testTracing(path));
    const old = await commit(first, 3);
    await first.stop();
    const second = await exporter(
      testTracing(path, {
        destinations: [
          testDestination("now", now.endpoint),
          testDestination("back", back.endpoint, { backfill: true }),
        ],
      }),
    );
    const fresh = await commit(second, 2);
    await waitFor(() => back.accepted().length === 15 && now.accepted().length === 6, 5000);
    const account = await second.stop();
    assertAddsUp(account);
    expect(account.destinations).toMatchObject([
      { name: "now", committed: 6, exported: 6 },
      { name: "back", committed: 15, exported: 15 },
    ]);
    const ids = [...old, ...fresh].flatMap(({ spanIds }) => spanIds);
    expect(back.accepted().map(({ spanId }) => spanId)).toEqual(ids);
  });

  test("a changed endpoint keeps its cursor; one that was away counts what it missed", async () => {
    const [first, second] = [receiver(), receiver()];
    const path = folder();
    const to = (out: ScriptedReceiver) => ({ destinations: [testDestination("a", out.endpoint)] });
    const one = await exporter(testTracing(path, to(first)));
    await commit(one, 2);
    await waitFor(() => first.accepted().length === 6, 5000);
    await one.stop();

    const two = await exporter(testTracing(path, to(second)));
    await commit(two, 1);
    await waitFor(() => second.accepted().length === 3, 5000);
    await two.stop();

    const away = await exporter(testTracing(path, { ledger: { retentionMs: 1 } }));
    await commit(away, 4);
    const status = reader(testTracing(path));
    await waitFor(() => status.calls({ last: 1 }).length === 0, 5000);
    await away.stop();

    const again = await exporter(testTracing(path, to(second)));
    await commit(again, 1);
    await waitFor(() => second.accepted().length === 6, 5000);
    const account = await again.stop();
    assertAddsUp(account);
    expect(account.destinations[0]).toMatchObject({ committed: 24, exported: 12, expired: 12 });
  });
});

test("reply_waits_for export is told once every destination has a call", async () => {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const [fast, slow] = [
    receiver(),
    receiver(async () => {
      await released;
      return new Response(null);
    }),
  ];
  const thread = await exporter(
    testTracing(folder(), {
      replyWaitsFor: "export",
      exportWaitMs: 5000,
      destinations: [
        testDestination("fast", fast.endpoint),
        testDestination("slow", slow.endpoint),
      ],
    }),
  );
  const exported = () =>
    thread.events.flatMap((event) => (event.kind === "exported" ? event.calls.split(" ") : []));
  const [call] = await commit(thread, 1);
  await waitFor(() => fast.accepted().length === 3, 5000);
  expect(exported()).toEqual([]);
  release();
  await waitFor(() => exported().length > 0, 5000);
  expect(exported()).toEqual([call?.call ?? ""]);
});

test("status reads calls, open ones too, while the exporter works", async () => {
  const tracing = testTracing(folder());
  const thread = await exporter(tracing);
  const calls = await commit(thread, 5);
  const open = testCall({ openFrom: 0 });
  const { call, spans, spanCount, sampled } = open;
  thread.send({ kind: "journal", part: "worker", call, spans, spanCount, sampled });
  await waitFor(async () => (await thread.account()).openCalls === 1, 2000);
  const status = reader(tracing);
  expect(status.calls({ last: 2 }).map((found) => found.call)).toEqual(
    calls
      .slice(3)
      .toReversed()
      .map((made) => made.call),
  );
  const [found] = status.calls({ trace: calls[1]?.traceId ?? "" });
  expect(found).toMatchObject({ call: calls[1]?.call ?? "", isOpen: false, sampled: true });
  expect(found?.spans.map(({ spanId }) => spanId)).toEqual([...(calls[1]?.spanIds ?? [])]);
  expect(status.calls({ trace: open.traceId })).toMatchObject([{ isOpen: true, call }]);
  expect(status.calls({ trace: "f".repeat(32) })).toEqual([]);
  expect(status.account()).toEqual(await thread.account());
  const missing = openLedgerReader(`${tracing.ledger.path}.none`);
  expect(missing.ok ? "" : missing.error).toContain("there is no ledger at");
});
