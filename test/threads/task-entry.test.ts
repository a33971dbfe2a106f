// The real worker entry on a real thread: what becomes of a call that meets a bug of ours, and of its neighbours.

import { afterEach, expect, test } from "bun:test";
import { loadConfig } from "../../src/config/load.ts";
import { startScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { threadEntry } from "../../src/entrypoints.ts";
import { createWorkerPool } from "../../src/server/worker-pool.ts";
import { systemClock } from "../../src/tracing/recorder/clock.ts";
import { testTask } from "../support/call-tasks.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

test("a task that cannot be read fails by itself; the others of its batch are answered", async () => {
  const provider = startScriptedProvider();
  cleanups.push(provider.stop);
  const loaded = loadConfig({ environment: {}, workingDirectory: "/", cores: 1 });
  if (!loaded.ok) throw new Error(loaded.problems.join());
  const providers = loaded.config.providers.map((each) => ({
    ...each,
    baseUrl: `${provider.url}/v1`,
  }));
  const pool = createWorkerPool({
    entry: threadEntry("task"),
    start: { config: JSON.stringify({ ...loaded.config, providers }), version: "0.0.0" },
    pool: { ...loaded.config.pool, threads: 1 },
    clock: systemClock,
    notice: () => undefined,
  });
  cleanups.push(() => pool.stop());
  await pool.ready;
  const good = {
    ...testTask("{}"),
    route: "forward" as const,
    traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01`,
  };
  const bad = { ...testTask("{}"), traceparent: "rubbish" };
  // More than a few, so that they go to the thread as one batch.
  const tasks = [
    good,
    bad,
    ...Array.from({ length: 6 }, () => ({ ...good, call: Bun.randomUUIDv7() })),
  ];
  const results = await Promise.all(
    tasks.map((task) => pool.run(task, { receive: () => undefined })),
  );
  expect(results.map(({ kind }) => kind)).toEqual([
    "reply",
    "failed",
    ...Array<"reply">(6).fill("reply"),
  ]);
  const failed = { code: "internal", message: "internal error", outcome: { spanCount: 0 } };
  expect(results[1]).toMatchObject(failed);
  expect(pool.restarts()).toBe(0);
});
