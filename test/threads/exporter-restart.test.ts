// The server's end of the exporter thread, when that thread dies with calls in its hands: a real thread, a real
// ledger, a real receiver.

import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createExporterThread } from "../../src/server/exporter-thread.ts";
import type { ExporterThread } from "../../src/server/exporter-thread.ts";
import type { CallCommand } from "../../src/protocol/exporter-message.ts";
import { systemClock } from "../../src/tracing/recorder/clock.ts";
import {
  assertAddsUp,
  exporterStart,
  finished,
  temporaryFolder,
  testCall,
  testDestination,
  testTracing,
  type TestCall,
  type TestTracing,
} from "../support/exporter-harness.ts";
import { startReceiver, type ScriptedReceiver } from "../support/scripted-receiver.ts";
import { waitFor } from "../support/wait-for.ts";

// Processes and threads start in these tests, on machines with other things to do.
setDefaultTimeout(30_000);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Started {
  readonly exporter: ExporterThread;
  readonly receiver: ScriptedReceiver;
  readonly notices: string[];
  /** Ends the thread, by an exception or by its exit; or holds it up for 1.5 s, or until a pipe is opened. */
  readonly hit: (how: "throw" | "exit" | "stall" | `hang ${string}`) => void;
}

async function start(changes: TestTracing = {}): Promise<Started> {
  const folder = temporaryFolder();
  cleanups.push(folder.remove);
  const receiver = startReceiver();
  cleanups.push(receiver.stop);
  const tracing = testTracing(folder.path, {
    destinations: [testDestination("main", receiver.endpoint)],
    ...changes,
  });
  const mortal = crypto.randomUUID();
  const channel = new BroadcastChannel(mortal);
  cleanups.push(() => channel.close());
  const notices: string[] = [];
  const exporter = createExporterThread({
    entry: fileURLToPath(new URL("../support/mortal-exporter.ts", import.meta.url)),
    start: { ...exporterStart(tracing, "this run"), resource: JSON.stringify({ mortal }) },
    wait: {
      waitsFor: tracing.replyWaitsFor,
      commitTimeoutMs: tracing.ledger.commitTimeoutMs,
      exportWaitMs: tracing.exportWaitMs,
    },
    clock: systemClock,
    notice: (_, text) => notices.push(text),
  });
  cleanups.push(() => exporter.stop(0));
  expect(await exporter.ready).toMatchObject({ error: "" });
  return { exporter, receiver, notices, hit: (how) => channel.postMessage(how) };
}

function ended(call: TestCall): CallCommand {
  return finished(call);
}

function journal(exporter: ExporterThread, call: TestCall, part: "server" | "worker"): void {
  const { spans, spanCount, sampled } = call;
  exporter.journal({ kind: "journal", call: call.call, part, spans, spanCount, sampled });
}

describe("an exporter thread that dies", () => {
  test.each(["throw", "exit"] as const)("by %s is restarted with all calls it had", async (how) => {
    const { exporter, receiver, notices, hit } = await start();
    const calls = Array.from({ length: 400 }, () => testCall());
    const outcomes: Promise<string>[] = [];
    for (const [at, call] of calls.entries()) {
      if (at % 100 === 50) hit(how);
      outcomes.push(exporter.commit(ended(call)));
      if (at % 10 === 0) await Bun.sleep(2);
    }
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["committed"]));
    expect(notices.join()).toContain("being restarted");
    expect(exporter.health().ledgerUp).toBe(true);

    const account = await exporter.stop(5000);
    expect(account).toMatchObject({ calls: 400, committed: 1200, lost: 0, openCalls: 0 });
    if (account !== undefined) assertAddsUp(account);
    expect(exporter.handedOverSpans()).toBe(1200);
    expect(exporter.unsettledSpans()).toBe(0);
    // The one request in flight at each death may have come twice; nothing is missing.
    const arrived = receiver.accepted().map(({ spanId }) => spanId);
    expect(new Set(arrived)).toEqual(new Set(calls.flatMap(({ spanIds }) => spanIds)));
  });

  test("keeps replies waiting for the commit timeout at most", async () => {
    const { exporter, hit } = await start({ ledger: { commitTimeoutMs: 60 } });
    hit("exit");
    await waitFor(() => !exporter.health().ledgerUp, 2000, "the thread's death");
    const call = testCall();
    const startedAt = performance.now();
    expect(await exporter.commit(ended(call))).toBe("late");
    expect(performance.now() - startedAt).toBeLessThan(600);
    // Served late, committed all the same.
    await waitFor(() => exporter.unsettledSpans() === 0, 5000, "the commit");
    expect(await exporter.account()).toMatchObject({ calls: 1, lost: 0 });
  });

  test("hears of open calls again, so that a worker's death still has their journal", async () => {
    const { exporter, receiver, hit } = await start();
    const own = testCall({ spans: 2 });
    const part = { ...testCall({ spans: 3, openFrom: 1 }), call: own.call };
    journal(exporter, own, "server");
    hit("exit");
    await waitFor(() => !exporter.health().ledgerUp, 2000, "the thread's death");
    journal(exporter, part, "worker"); // while no thread is there
    await waitFor(async () => (await exporter.account())?.openCalls === 1, 5000, "the open call");
    expect(exporter.workerPart(own.call)).toMatchObject({ spanCount: 3 });
    const outcome = exporter.commit({
      kind: "abandoned",
      call: own.call,
      spans: own.spans,
      spanCount: 2,
      fallbackSpans: part.spans,
      fallbackSpanCount: 3,
      sampled: true,
      endedAtMs: Date.now(),
      errorType: "worker_lost",
      message: "gone",
    });
    expect(await outcome).toBe("committed");
    expect(exporter.handedOverSpans()).toBe(5);
    expect(await exporter.stop(5000)).toMatchObject({ calls: 1, committed: 5, openCalls: 0 });
    expect(receiver.accepted()).toHaveLength(5);
  });

  test("in the middle of a stop is started once more to finish it", async () => {
    const { exporter, receiver, hit } = await start();
    const calls = Array.from({ length: 50 }, () => testCall());
    hit("exit");
    await waitFor(() => !exporter.health().ledgerUp, 2000, "the thread's death");
    const outcomes = calls.map((call) => exporter.commit(ended(call)));
    expect(await exporter.stop(5000)).toMatchObject({ calls: 50, committed: 150, lost: 0 });
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["committed"]));
    expect(receiver.accepted()).toHaveLength(150);
  });

  test("answers the account once it is back", async () => {
    const { exporter, hit } = await start();
    await exporter.commit(ended(testCall()));
    hit("exit");
    await waitFor(() => !exporter.health().ledgerUp, 2000, "the thread's death");
    expect(await exporter.account()).toMatchObject({ calls: 1, committed: 3 });
  });
});

test("a ledger that does not answer is said so once calls have waited too long", async () => {
  const { exporter, hit } = await start({ ledger: { commitTimeoutMs: 200 } });
  hit("stall");
  await Bun.sleep(20);
  expect(await exporter.commit(ended(testCall()))).toBe("late");
  expect(exporter.health()).toMatchObject({ ledgerUp: false });
  expect(exporter.health().reasons.join()).toContain("has not answered");
  await waitFor(() => exporter.health().ledgerUp, 5000, "the answer");
});

test("a stop leaves a thread behind that its disk does not let go", async () => {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  const pipe = join(path, "pipe");
  Bun.spawnSync(["mkfifo", pipe]);
  const { exporter, hit } = await start();
  hit(`hang ${pipe}`);
  cleanups.push(() => closeSync(openSync(pipe, "w")));
  await waitFor(
    async () => (await exporter.account()) === undefined,
    15_000,
    "a thread that hangs",
  );
  const stopping = exporter.stop(0).then(() => "stopped");
  expect(await Promise.race([stopping, Bun.sleep(10_000)])).toBe("stopped");
});

test("a stop can be cut short while it exports", async () => {
  const { exporter, receiver } = await start();
  receiver.answerWith(() => new Promise(() => undefined));
  await exporter.commit(ended(testCall()));
  const startedAt = performance.now();
  const first = exporter.stop(10_000);
  await Bun.sleep(50);
  expect(await exporter.stop(0)).toMatchObject({ committed: 3, lost: 0 });
  expect(await first).toMatchObject({ committed: 3, lost: 0 });
  expect(performance.now() - startedAt).toBeLessThan(3000);
});
