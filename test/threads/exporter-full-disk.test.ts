// A ledger whose volume is full, on a real small one: real thread, real sockets. Nobody makes room for it here but the
// receiver that takes what waits.

import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TracingConfig } from "../../src/config/schema.ts";
import {
  assertAddsUp,
  finished,
  startExporter,
  startExporterProcess,
  testCall,
  testDestination,
  testTracing,
  type TestCall,
  type TestExporter,
} from "../support/exporter-harness.ts";
import { smallVolume } from "../support/small-volume.ts";
import { startReceiver, type ScriptedReceiver } from "../support/scripted-receiver.ts";
import { waitFor } from "../support/wait-for.ts";

// What is written here, and deleted again, are megabytes, on machines with other things to do.
setDefaultTimeout(60_000);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const mebibyte = 1 << 20;
const down = () => new Response("", { status: 503 });
const commitTimeoutMs = 500;

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

function reserveBytes(path: string): number {
  return statSync(join(path, "ledger.db-reserve"), { throwIfNoEntry: false })?.size ?? 0;
}

function fill(path: string): string {
  const filler = join(path, "filler");
  Bun.spawnSync(["dd", "if=/dev/zero", `of=${filler}`, "bs=4096"], { stderr: "ignore" });
  return filler;
}

function receiver(...start: Parameters<typeof startReceiver>): ScriptedReceiver {
  const started = startReceiver(...start);
  cleanups.push(started.stop);
  return started;
}

function tracingOn(path: string, out: ScriptedReceiver, changes = {}): TracingConfig {
  return testTracing(path, {
    destinations: [testDestination("main", out.endpoint)],
    ledger: { commitTimeoutMs, ...changes },
  });
}

async function exporter(tracing: TracingConfig): Promise<TestExporter> {
  const started = await startExporter(tracing);
  cleanups.push(() => started.worker.terminate());
  return started;
}

/** Sends calls, some at once, until one is lost, and says how many were sent. */
async function sendUntilLost(thread: TestExporter, padding: number, atOnce: number) {
  const sent: TestCall[] = [];
  const lostBefore = thread.failed().length;
  const before = thread.committedCalls().size + lostBefore;
  while (thread.failed().length === lostBefore) {
    const calls = Array.from({ length: atOnce }, () => testCall({ padding }));
    for (const call of calls) thread.send(finished(call));
    sent.push(...calls);
    const settled = () => thread.committedCalls().size + thread.failed().length;
    await waitFor(() => settled() === sent.length + before, 10_000, "commits, or their end");
  }
  return sent;
}

/** Sends calls until one is committed again. */
async function sendUntilCommitted(thread: TestExporter, padding: number) {
  const sent: TestCall[] = [];
  await waitFor(
    async () => {
      const call = testCall({ padding });
      sent.push(call);
      thread.send(finished(call));
      await waitFor(
        () => thread.committedCalls().has(call.call) || thread.failed().includes(call.call),
        10_000,
        "the call's end",
      );
      return thread.committedCalls().has(call.call);
    },
    20_000,
    "a call that is committed",
  );
  return sent;
}

/** Each span that was committed, and no other, has arrived once. */
function assertArrivedOnce(out: ScriptedReceiver, thread: TestExporter, sent: readonly TestCall[]) {
  const due = sent.filter(({ call }) => thread.committedCalls().has(call));
  const arrived = out.accepted().map(({ spanId }) => spanId);
  expect(new Set(arrived)).toEqual(new Set(due.flatMap(({ spanIds }) => spanIds)));
  expect(arrived.length).toBe(new Set(arrived).size);
}

describe("a ledger that has filled its volume", () => {
  test.each([
    { padding: 10_000, atOnce: 10, sizeMib: 16 },
    { padding: 300, atOnce: 500, sizeMib: 8 },
    { padding: 60_000, atOnce: 1, sizeMib: 16 },
  ])(
    "is emptied by the receiver that comes back, and takes calls again: %p",
    async ({ padding, atOnce, sizeMib }) => {
      const path = smallVolume(sizeMib * mebibyte, cleanups);
      if (path === undefined) return;
      const out = receiver(down);
      const thread = await exporter(tracingOn(path, out));
      await waitFor(() => reserveBytes(path) > 0, 5000, "the reserve");
      const sent = await sendUntilLost(thread, padding, atOnce);
      expect(thread.health()).toMatchObject({ ledgerUp: false });
      const full = await thread.account();
      expect(full.committed + full.lost).toBe(sent.length * 3);
      // Most of the volume is used.
      expect(thread.committedCalls().size * 3 * padding).toBeGreaterThan(sizeMib * mebibyte * 0.5);

      out.answerWith(() => new Response(null, { status: 200 }));
      const later = await sendUntilCommitted(thread, padding);
      await waitFor(
        async () => (await thread.account()).destinations[0]?.pending === 0,
        20_000,
        "the export of all that was committed",
      );
      const account = await thread.account();
      assertAddsUp(account);
      const all = [...sent, ...later];
      expect(account.committed).toBe(thread.committedCalls().size * 3);
      expect(account.committed + account.lost).toBe(all.length * 3);
      assertArrivedOnce(out, thread, all);
      expect(thread.health()?.ledgerUp).toBe(true);
    },
  );
});

test("full again and again, it heals each time, and the log has a line a minute about it", async () => {
  const path = smallVolume(8 * mebibyte, cleanups);
  if (path === undefined) return;
  const out = receiver(down);
  const thread = await exporter(tracingOn(path, out));
  await waitFor(() => reserveBytes(path) > 0, 5000, "the reserve");
  const sent: TestCall[] = [];
  for (let time = 0; time < 3; time++) {
    out.answerWith(down);
    sent.push(...(await sendUntilLost(thread, 5000, 10)));
    expect(thread.health()).toMatchObject({ ledgerUp: false });
    expect(thread.health()?.reasons).toContain("is full");
    out.answerWith(() => new Response(null, { status: 200 }));
    sent.push(...(await sendUntilCommitted(thread, 5000)));
    await waitFor(() => thread.health()?.ledgerUp, 5000);
  }
  await waitFor(async () => (await thread.account()).destinations[0]?.pending === 0, 20_000);
  assertArrivedOnce(out, thread, sent);
  expect(thread.notices().filter((text) => text.includes("is full"))).toHaveLength(1);
  expect(thread.notices().filter((text) => text.includes("up again"))).toHaveLength(1);
  const account = await thread.stop();
  assertAddsUp(account);
  expect(account.committed + account.lost).toBe(sent.length * 3);
});

test("on a volume smaller than max_size exported calls make room in time: it is never full", async () => {
  const sizeBytes = 8 * mebibyte;
  const path = smallVolume(sizeBytes, cleanups);
  if (path === undefined) return;
  const out = receiver();
  const thread = await exporter(tracingOn(path, out));
  await waitFor(() => reserveBytes(path) > 0, 5000, "the reserve");
  let sent = 0;
  while (sent * 3 * 5000 < 2 * sizeBytes) {
    const calls = Array.from({ length: 10 }, () => testCall({ padding: 5000 }));
    for (const call of calls) thread.send(finished(call));
    sent += calls.length;
    await Bun.sleep(50); // three megabytes a second
    await thread.committed(...calls.map(({ call }) => call));
  }
  expect(thread.failed()).toEqual([]);
  expect(thread.notices()).toEqual([]);
  expect(await thread.stop(5000)).toMatchObject({ calls: sent, lost: 0 });
});

test("a full disk holds up no destination that accepts, and nothing goes that another one lacks", async () => {
  const path = smallVolume(8 * mebibyte, cleanups);
  if (path === undefined) return;
  const [dead, alive] = [receiver(down), receiver(down)];
  const tracing = testTracing(path, {
    destinations: [
      testDestination("dead", dead.endpoint),
      testDestination("alive", alive.endpoint),
    ],
    ledger: { commitTimeoutMs },
  });
  const thread = await exporter(tracing);
  await waitFor(() => reserveBytes(path) > 0, 5000, "the reserve");
  const sent = await sendUntilLost(thread, 5000, 10);
  alive.answerWith(() => new Response(null, { status: 200 }));
  const committed = thread.committedCalls().size * 3;
  const byName = async () =>
    Object.fromEntries((await thread.account()).destinations.map((each) => [each.name, each]));
  await waitFor(async () => (await byName())["alive"]?.pending === 0, 20_000, "the export");
  assertArrivedOnce(alive, thread, sent);
  expect(await byName()).toMatchObject({
    alive: { exported: committed, expired: 0 },
    dead: { exported: 0, pending: committed, expired: 0 },
  });
  expect(thread.health()).toMatchObject({ ledgerUp: false });
  dead.answerWith(() => new Response(null, { status: 200 }));
  const later = await sendUntilCommitted(thread, 100);
  await waitFor(async () => (await byName())["dead"]?.pending === 0, 20_000, "the export");
  assertArrivedOnce(dead, thread, [...sent, ...later]);
});

describe("a volume that others have filled", () => {
  test("holds up no export, and takes calls again once there is room", async () => {
    const path = smallVolume(16 * mebibyte, cleanups);
    if (path === undefined) return;
    const out = receiver(down);
    const thread = await exporter(tracingOn(path, out));
    const first = Array.from({ length: 100 }, () => testCall({ padding: 2000 }));
    for (const call of first) thread.send(finished(call));
    await thread.committed(...first.map(({ call }) => call));
    await waitFor(() => reserveBytes(path) > 0, 5000, "the reserve");
    const filler = fill(path);
    expect(freeBytes(path)).toBe(0);
    const sent = await sendUntilLost(thread, 10_000, 5);
    out.answerWith(() => new Response(null, { status: 200 }));
    await waitFor(
      async () => (await thread.account()).destinations[0]?.pending === 0,
      20_000,
      "the export while the disk is full",
    );
    rmSync(filler);
    const later = await sendUntilCommitted(thread, 2000);
    await waitFor(async () => (await thread.account()).destinations[0]?.pending === 0, 5000);
    const all = [...first, ...sent, ...later];
    assertArrivedOnce(out, thread, all);
    const account = await thread.stop();
    assertAddsUp(account);
    expect(account.committed + account.lost).toBe(all.length * 3);
  });
});

describe("kill -9 while the disk is full", () => {
  test("costs nothing that was committed, whenever it comes", async () => {
    const path = smallVolume(8 * mebibyte, cleanups);
    if (path === undefined) return;
    const out = receiver(down);
    const tracing = tracingOn(path, out);
    const acknowledged: string[] = [];
    const rounds = 6;
    const first = await exporter(tracing);
    await waitFor(() => reserveBytes(path) > 0, 5000, "the reserve");
    await first.stop();
    for (let round = 0; round < rounds; round++) {
      // Full in the first, emptied and full again by turns in the others.
      if (round % 2 === 1) out.answerWith(() => new Response(null, { status: 200 }));
      const { child, lines, reading } = startExporterProcess(tracing, 3000);
      cleanups.push(() => child.kill("SIGKILL"));
      const isFull = () => lines.includes("failed");
      if (round === 0) await waitFor(isFull, 20_000, "a full disk");
      else await Bun.sleep(100 + Math.random() * 1500);
      child.kill("SIGKILL");
      await reading;
      out.answerWith(down);
      const ended = lines.filter((line) => line.startsWith("acknowledged "));
      acknowledged.push(...ended.flatMap((line) => line.split(" ").slice(1)));
    }
    out.answerWith(() => new Response(null, { status: 200 }));
    const thread = await exporter(tracing);
    const later = await sendUntilCommitted(thread, 3000);
    const account = await waitFor(async () => {
      const { destinations, ...rest } = await thread.account();
      return rest.openCalls === 0 && destinations[0]?.pending === 0 && { ...rest, destinations };
    }, 20_000);
    assertAddsUp(account);
    expect(later.length).toBeGreaterThan(0);
    const arrived = new Set(out.accepted().map(({ spanId }) => spanId));
    expect(acknowledged.length).toBeGreaterThan(100);
    expect(acknowledged.filter((spanId) => !arrived.has(spanId))).toEqual([]);
    expect(account.destinations[0]?.exported).toBe(arrived.size);
  });
});
