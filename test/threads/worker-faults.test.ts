// The pool and its watch with real threads that break in every way a thread can.

import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GatewayError } from "../../src/errors/gateway-error.ts";
import { createWorkerPool } from "../../src/server/worker-pool.ts";
import type { StreamListener } from "../../src/server/call-dispatch.ts";
import type { WorkerPool } from "../../src/server/worker-pool.ts";
import { systemClock } from "../../src/tracing/recorder/clock.ts";
import { testTask } from "../support/call-tasks.ts";
import { waitFor } from "../support/wait-for.ts";

// Processes and threads start in these tests, on machines with other things to do.
setDefaultTimeout(30_000);

const stallTimeoutMs = 800;
const deaf: StreamListener = { receive: () => undefined };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface StartedPool {
  readonly pool: WorkerPool;
  readonly notices: string[];
}

async function startPool(
  threads: number,
  {
    entry = new URL("../support/faulty-task.ts", import.meta.url),
    memoryLimitBytes = Number.POSITIVE_INFINITY,
    stallMs = stallTimeoutMs,
    hindrance = "0.0.0",
  } = {},
): Promise<StartedPool> {
  const notices: string[] = [];
  const pool = createWorkerPool({
    entry: fileURLToPath(entry),
    start: { config: "{}", version: hindrance },
    pool: { threads, callsPerThread: 100, queue: 100, stallTimeoutMs: stallMs, strict: false },
    clock: systemClock,
    notice: (_, text) => notices.push(text),
    memoryLimitBytes,
  });
  cleanups.push(() => pool.stop());
  await pool.ready;
  return { pool, notices };
}

/** The code a call ends with, or the body of its reply, and how long that took. */
async function run(
  pool: WorkerPool,
  body: string,
  listener = deaf,
): Promise<{ readonly end: string; readonly ms: number }> {
  const startedAt = performance.now();
  const took = (): number => performance.now() - startedAt;
  try {
    const result = await pool.run(testTask(body), listener);
    return { end: result.kind === "reply" ? result.body : result.kind, ms: took() };
  } catch (error) {
    return { end: error instanceof GatewayError ? error.code : String(error), ms: took() };
  }
}

describe("a thread whose loop stops turning", () => {
  test("is replaced after the stall timeout, its calls end, and the others' do not notice", async () => {
    const { pool, notices } = await startPool(2);
    const beside = Promise.all(Array.from({ length: 4 }, () => run(pool, "slow")));
    const stuck = await run(pool, "spin");
    expect(stuck.end).toBe("worker_lost");
    expect(stuck.ms).toBeGreaterThan(stallTimeoutMs * 0.8);
    expect(stuck.ms).toBeLessThan(stallTimeoutMs + 1000);
    // Of the four, those that shared the thread went with it.
    const others = await beside;
    expect(others.filter(({ end }) => end === "slow").length).toBeGreaterThanOrEqual(2);
    await waitFor(() => pool.threads() === 2, 1000, "the pool healed");
    expect(pool.restarts()).toBe(1);
    expect(notices.join()).toContain("has not answered");
    expect((await run(pool, "hello")).end).toBe("hello");
  });

  test("for a system call that does not return is replaced likewise, and holds up no stop", async () => {
    const pipe = join(tmpdir(), `everyspan-pipe-${crypto.randomUUID()}`);
    Bun.spawnSync(["mkfifo", pipe]);
    const { pool } = await startPool(2);
    cleanups.push(() => {
      closeSync(openSync(pipe, "w"));
      rmSync(pipe);
    });
    const ends = await Promise.all([run(pool, `hang ${pipe}`), run(pool, `hang ${pipe}`)]);
    expect(ends.map(({ end }) => end)).toEqual(["worker_lost", "worker_lost"]);
    await waitFor(() => pool.threads() === 2, 2000, "the pool healed");
    expect(pool.restarts()).toBe(2);
    expect((await run(pool, "hello")).end).toBe("hello");
    const stuck = run(pool, `hang ${pipe}`);
    await Bun.sleep(100);
    const stopping = pool.stop().then(() => "stopped");
    expect(await Promise.race([stopping, Bun.sleep(5000)])).toBe("stopped");
    expect(["draining", "worker_lost"]).toContain((await stuck).end);
  });

  test("gets no new calls while another thread can take them", async () => {
    const { pool } = await startPool(2);
    const stuck = run(pool, "spin");
    await Bun.sleep(400);
    const ends = await Promise.all(Array.from({ length: 20 }, () => run(pool, "quick")));
    expect(ends.filter(({ end }) => end === "quick")).toHaveLength(20);
    expect((await stuck).end).toBe("worker_lost");
  });

  test("takes a stream with it, which has had its parts", async () => {
    const { pool } = await startPool(1);
    const heard: string[] = [];
    const stuck = await run(pool, "part-then-spin", { receive: ({ kind }) => heard.push(kind) });
    expect(stuck.end).toBe("worker_lost");
    expect(heard).toEqual(["head", "part"]);
    expect((await run(pool, "again")).end).toBe("again");
  });

  test("that turns it again in time keeps its calls", async () => {
    const { pool } = await startPool(1);
    const ends = await Promise.all([run(pool, "busy"), run(pool, "slow")]);
    expect(ends.map(({ end }) => end)).toEqual(["busy", "slow"]);
    expect(pool.restarts()).toBe(0);
  });
});

describe.each(["throw-late", "reject-late", "exit"])("a thread that breaks: %s", (fault) => {
  test("takes only its own calls, at once, and is replaced within a second", async () => {
    const { pool } = await startPool(2);
    // The second call goes to the thread that is free.
    const [broken, beside] = await Promise.all([run(pool, fault), run(pool, "slow")]);
    expect(broken.end).toBe("worker_lost");
    expect(broken.ms).toBeLessThan(stallTimeoutMs);
    expect(beside.end).toBe("slow");
    await waitFor(() => pool.threads() === 2, 1000, "the pool healed");
    expect(pool.restarts()).toBe(1);
    const ends = await Promise.all(Array.from({ length: 8 }, () => run(pool, "hello")));
    expect(ends.filter(({ end }) => end === "hello")).toHaveLength(8);
  });

  test("again and again leaves a pool that works", async () => {
    const { pool } = await startPool(2);
    for (let round = 0; round < 10; round++)
      expect((await run(pool, fault)).end).toBe("worker_lost");
    await waitFor(() => pool.threads() === 2, 1000, "the pool healed");
    expect(pool.restarts()).toBe(10);
    expect((await run(pool, "hello")).end).toBe("hello");
  });
});

describe.each(["hog", "leak"])("a thread that eats up the memory: %s", (fault) => {
  test("is ended before the process is, with its own calls only", async () => {
    const memoryLimitBytes = process.memoryUsage.rss() + 400 * 1024 * 1024;
    const { pool, notices } = await startPool(2, { memoryLimitBytes, stallMs: 20_000 });
    const broken = run(pool, fault);
    const beside = await Promise.all([run(pool, "slow"), run(pool, "slow")]);
    expect((await broken).end).toBe("worker_lost");
    // One of the two may have been on the same thread.
    expect(beside.filter(({ end }) => end === "slow").length).toBeGreaterThanOrEqual(1);
    expect(notices.join()).toContain("memory runs out");
    await waitFor(() => pool.threads() === 2, 2000, "the pool healed");
    await waitFor(
      () => process.memoryUsage.rss() < memoryLimitBytes,
      5000,
      "the memory given back",
    );
    expect((await run(pool, "hello")).end).toBe("hello");
    expect(pool.restarts()).toBe(1);
  });
});

test("replacements that cannot start for a while: calls wait, and a thread comes back by itself", async () => {
  const hindrance = join(tmpdir(), `everyspan-hindrance-${crypto.randomUUID()}`);
  cleanups.push(() => rmSync(hindrance, { force: true }));
  const { pool, notices } = await startPool(2, { hindrance });
  writeFileSync(hindrance, "");
  for (let n = 0; n < 2; n++) expect((await run(pool, "exit")).end).toBe("worker_lost");
  await waitFor(() => pool.threads() === 0, 3000, "no thread left");
  const waiting = run(pool, "hello");
  await waitFor(() => notices.join().includes("cannot start now"), 3000, "a failed start");
  rmSync(hindrance);
  expect((await waiting).end).toBe("hello");
  expect(pool.threads()).toBeGreaterThan(0);
});

test("threads that cannot start say so instead of being started over and over", async () => {
  const started = startPool(2, { entry: new URL("./no-such-task.ts", import.meta.url) });
  const error = await started.then(
    () => undefined,
    (reason: unknown) => String(reason),
  );
  expect(error).toMatch(/no-such-task/);
});
