// What happens to the process and the ledger around the exporter: real processes, real files.

import { afterEach, describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { openLedgerReader } from "../../src/tracing/exporter/ledger-reader.ts";
import type { TracingConfig } from "../../src/config/schema.ts";
import {
  assertAddsUp,
  finished,
  startExporter,
  startExporterProcess,
  temporaryFolder,
  testCall,
  testDestination,
  testTracing,
  type TestExporter,
} from "../support/exporter-harness.ts";
import { smallVolume } from "../support/small-volume.ts";
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

async function exporter(tracing: TracingConfig, run?: string): Promise<TestExporter> {
  const started = await startExporter(tracing, run);
  cleanups.push(() => started.worker.terminate());
  return started;
}

function startProcess(tracing: TracingConfig) {
  const started = startExporterProcess(tracing);
  cleanups.push(() => started.child.kill("SIGKILL"));
  return started;
}

describe("kill -9", () => {
  test("loses no acknowledged call, and closes the open ones as errors", async () => {
    const out = receiver(() => new Response("", { status: 503 }));
    const tracing = testTracing(folder(), {
      destinations: [testDestination("main", out.endpoint)],
    });
    const acknowledged: string[] = [];
    const open: string[] = [];
    for (const killAfter of [30, 300, 1000]) {
      const { child, lines, reading } = startProcess(tracing);
      await waitFor(() => lines.length > killAfter, 15_000, "acknowledgements");
      child.kill("SIGKILL");
      await child.exited;
      await reading;
      for (const line of lines) {
        const [kind, ...ids] = line.split(" ");
        (kind === "open" ? open : acknowledged).push(...ids);
      }
    }
    out.answerWith(() => new Response(null));
    const thread = await exporter(tracing);
    await waitFor(async () => (await thread.account()).destinations[0]?.pending === 0, 10_000);
    const account = await thread.stop();
    assertAddsUp(account);
    expect(account).toMatchObject({ openCalls: 0, lost: 0 });

    const arrived = out.accepted();
    const ids = new Set(arrived.map(({ spanId }) => spanId));
    expect(acknowledged.length).toBeGreaterThan(3990);
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
    expect(ids.size).toBe(arrived.length);
    const closed = arrived.filter(({ attributes }) => attributes["everyspan.interrupted"] === true);
    expect(open).toHaveLength(9);
    expect(open.every((id) => ids.has(id))).toBe(true);
    expect(closed.map(({ spanId }) => spanId).toSorted()).toEqual(
      open.filter((_, at) => at % 3 > 0).toSorted(),
    );
    expect(arrived.every(({ endMs }) => endMs !== undefined)).toBe(true);
  }, 40_000);
});

describe("an exporter thread that dies", () => {
  test("has a successor on the same ledger, and calls sent again count once", async () => {
    const out = receiver();
    const tracing = testTracing(folder(), {
      destinations: [testDestination("main", out.endpoint)],
    });
    const calls = Array.from({ length: 3000 }, () => testCall());
    const first = await exporter(tracing, "run");
    for (const call of calls.slice(0, 2000)) first.send(finished(call));
    await waitFor(() => first.events.some(({ kind }) => kind === "committed"), 5000);
    await first.worker.terminate();
    const second = await exporter(tracing, "run");
    for (const call of calls) second.send(finished(call));
    await second.committed(...calls.map(({ call }) => call));
    await waitFor(async () => (await second.account()).destinations[0]?.pending === 0, 10_000);
    const account = await second.stop();
    assertAddsUp(account);
    expect(account).toMatchObject({ calls: 3000, committed: 9000, lost: 0 });
    const sent = new Set(calls.flatMap(({ spanIds }) => spanIds));
    // The request in flight when the thread died may have come twice.
    expect(new Set(out.accepted().map(({ spanId }) => spanId))).toEqual(sent);
  }, 30_000);
});

describe("one ledger", () => {
  test("is refused to a second process with a clear message, until the first is killed", async () => {
    const tracing = testTracing(folder());
    const first = startProcess(tracing);
    await waitFor(() => first.lines.length > 10, 15_000);
    const second = startProcess(tracing);
    expect(await second.child.exited).toBe(1);
    await second.reading;
    expect(second.lines.join()).toContain("is in use by another everyspan process");

    const reading = openLedgerReader(tracing.ledger.path);
    if (!reading.ok) throw new Error(reading.error);
    expect(reading.reader.account().calls).toBeGreaterThan(0);
    expect(reading.reader.account().openCalls).toBe(1);
    reading.reader.close();

    first.child.kill("SIGKILL");
    await first.child.exited;
    const third = await exporter(tracing);
    expect(third.events[0]).toMatchObject({ kind: "notice" });
    expect(third.events.find(({ kind }) => kind === "ready")).toMatchObject({ error: "" });
  });

  test.each([
    ["damaged", "x".repeat(5000), "is damaged or not a ledger"],
    ["another program's", "", "is damaged or not a ledger"],
    ["newer", "", "written by a newer everyspan"],
  ])("a %s file is refused and left as it is", async (kind, text, message) => {
    const tracing = testTracing(folder());
    const { path } = tracing.ledger;
    if (kind === "damaged") writeFileSync(path, text);
    else {
      const database = new Database(path);
      database.run("CREATE TABLE other (a)");
      if (kind === "newer") database.run("PRAGMA user_version = 99");
      database.close();
    }
    const before = await Bun.file(path).bytes();
    const thread = await exporter(tracing);
    const ready = thread.events.find((event) => event.kind === "ready");
    expect(ready).toMatchObject({ fatal: true });
    expect(ready?.error).toContain(message);
    const call = testCall();
    thread.send(finished(call));
    await waitFor(() => thread.failed().includes(call.call), 2000);
    expect((await thread.account()).lost).toBe(3);
    await thread.stop(0);
    expect(await Bun.file(path).bytes()).toEqual(before);
    const reading = openLedgerReader(path);
    expect(reading.ok ? "" : reading.error).toContain(message);
  });
});

describe("disk", () => {
  test("a ledger that cannot be opened yet takes the calls as soon as it can", async () => {
    const path = folder();
    const tracing = testTracing(join(path, "data"), { ledger: { commitTimeoutMs: 1500 } });
    writeFileSync(join(path, "data"), "a file where a folder should be");
    const thread = await exporter(tracing);
    expect(thread.health()?.ledgerUp ?? false).toBe(false);
    const call = testCall();
    thread.send(finished(call));
    rmSync(join(path, "data"));
    await thread.committed(call.call);
    await waitFor(() => thread.health()?.ledgerUp, 2000);
    expect(await thread.stop()).toMatchObject({ committed: 3, lost: 0 });
  });

  test("calls are given up after commit_timeout, counted as lost for good", async () => {
    const path = folder();
    const tracing = testTracing(join(path, "data"), { ledger: { commitTimeoutMs: 200 } });
    writeFileSync(join(path, "data"), "a file where a folder should be");
    const thread = await exporter(tracing);
    const lost = testCall();
    thread.send(finished(lost));
    await waitFor(() => thread.failed().includes(lost.call), 2000);
    expect((await thread.account()).lost).toBe(3);
    rmSync(join(path, "data"));
    await waitFor(() => thread.health()?.ledgerUp, 5000);
    const call = testCall();
    thread.send(finished(call));
    await thread.committed(call.call);
    expect(await thread.stop()).toMatchObject({ committed: 3, lost: 3 });
    const next = await exporter(tracing);
    expect(await next.stop()).toMatchObject({ committed: 3, lost: 3 });
  });

  test("stopping without a ledger takes no longer than it must, and says what is lost", async () => {
    const path = folder();
    const tracing = testTracing(join(path, "data"), {
      ledger: { commitTimeoutMs: 200 },
      destinations: [testDestination("main", "http://127.0.0.1:9/")],
    });
    writeFileSync(join(path, "data"), "a file where a folder should be");
    const thread = await exporter(tracing);
    thread.send(finished(testCall()));
    const startedAt = performance.now();
    expect(await thread.stop(4000)).toMatchObject({ committed: 0, lost: 3 });
    expect(performance.now() - startedAt).toBeLessThan(3000);
  });

  test("a ledger removed under way is written back whole", async () => {
    const out = receiver(() => new Response("", { status: 503 }));
    const path = folder();
    const tracing = testTracing(join(path, "data"), {
      destinations: [testDestination("main", out.endpoint)],
    });
    const thread = await exporter(tracing);
    const calls = Array.from({ length: 5 }, () => testCall());
    for (const call of calls.slice(0, 4)) thread.send(finished(call));
    await thread.committed(...calls.slice(0, 4).map(({ call }) => call));
    rmSync(join(path, "data"), { recursive: true });
    const [last] = calls.slice(4);
    if (last === undefined) throw new Error("no call");
    thread.send(finished(last));
    await thread.committed(last.call);
    expect(thread.notices().join("\n")).toContain("all of it is written back");
    expect(statSync(tracing.ledger.path).size).toBeGreaterThan(0);
    expect(await thread.account()).toMatchObject({ calls: 5, committed: 15, lost: 0 });
    out.answerWith(() => new Response(null));
    await waitFor(() => out.accepted().length === 15, 10_000);
    const account = await thread.stop();
    assertAddsUp(account);
    expect(out.accepted().map(({ spanId }) => spanId)).toEqual(calls.flatMap((c) => c.spanIds));
  });

  test("a ledger replaced under way is kept beside the new one", async () => {
    const path = folder();
    const tracing = testTracing(path);
    const thread = await exporter(tracing);
    const [before, after] = [testCall(), testCall()];
    thread.send(finished(before));
    await thread.committed(before.call);
    const other = await exporter(testTracing(join(path, "other")));
    await other.stop();
    renameSync(join(path, "other", "ledger.db"), tracing.ledger.path);
    thread.send(finished(after));
    await thread.committed(after.call);
    expect(thread.notices().join("\n")).toContain("was replaced under way; what it held is in");
    const [copy] = new Bun.Glob("ledger.db.rescued-*").scanSync(path);
    const reading = openLedgerReader(join(path, copy ?? ""));
    if (!reading.ok) throw new Error(reading.error);
    expect(reading.reader.calls({ trace: before.traceId })).toHaveLength(1);
    reading.reader.close();
  });

  test("the log removed under way costs nothing", async () => {
    const tracing = testTracing(folder());
    const thread = await exporter(tracing);
    const calls = [testCall(), testCall()];
    thread.send(finished(calls[0] as (typeof calls)[0]));
    await thread.committed(calls[0]?.call ?? "");
    rmSync(`${tracing.ledger.path}-wal`);
    thread.send(finished(calls[1] as (typeof calls)[0]));
    await thread.committed(calls[1]?.call ?? "");
    expect(await thread.stop()).toMatchObject({ committed: 6, lost: 0 });
    const next = await exporter(tracing);
    expect(await next.stop()).toMatchObject({ committed: 6, lost: 0 });
  });

  test("a full disk costs only what comes while it is full", async () => {
    const small = smallVolume(2 << 20, cleanups);
    if (small === undefined) return;
    const thread = await exporter(testTracing(small, { ledger: { commitTimeoutMs: 300 } }));
    const first = testCall();
    thread.send(finished(first));
    await thread.committed(first.call);
    const { exitCode } = Bun.spawnSync(["dd", "if=/dev/zero", `of=${small}/filler`], {
      stderr: "ignore",
    });
    expect(exitCode).not.toBe(0);
    const large = testCall({ padding: 400_000 });
    thread.send(finished(large));
    await waitFor(() => thread.failed().includes(large.call), 5000);
    expect(thread.health()).toMatchObject({ ledgerUp: false });
    rmSync(`${small}/filler`);
    await waitFor(() => thread.health()?.ledgerUp, 5000);
    const last = testCall();
    thread.send(finished(last));
    await thread.committed(last.call);
    expect(await thread.stop()).toMatchObject({ committed: 6, lost: 3 });
  });
});
