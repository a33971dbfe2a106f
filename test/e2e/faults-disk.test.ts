// The ledger's disk, from outside a real `serve`: in use, damaged, read-only, removed, full. What the client paid for
// is always served; what could not be committed is loud and counted.

import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Database } from "bun:sqlite";
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startOtlpReceiver, type OtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import { callGateway, createFaultyWorld, readiness } from "../support/faulty-world.ts";
import { quietAccount, scrape } from "../support/gateway-metrics.ts";
import { smallVolume } from "../support/small-volume.ts";
import { assertWholeTrace } from "../support/trace-assertions.ts";
import { waitFor } from "../support/wait-for.ts";

// Processes and threads start in these tests, on machines with other things to do.
setDefaultTimeout(30_000);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function receiver(): OtlpReceiver {
  const started = startOtlpReceiver();
  cleanups.push(started.stop);
  return started;
}

async function startFailure(starting: Promise<unknown>): Promise<string> {
  return starting.then(
    () => "it started",
    (error: unknown) => String(error),
  );
}

describe("a ledger", () => {
  test("in use by another serve is refused with a message that says so; status still reads it", async () => {
    const world = createFaultyWorld(cleanups);
    const gateway = await world.start();
    await callGateway(gateway, { route: "/v1/messages" });
    expect(await startFailure(world.start())).toContain("in use by another everyspan process");
    const status = await world.status("--last", "1");
    expect(status.exitCode).toBe(0);
    expect(status.stdout).toContain("chat claude-haiku-4-5");
    expect((await callGateway(gateway, { route: "/v1/messages" })).status).toBe(200);
    gateway.kill("SIGKILL");
    await gateway.exited;
    const again = await world.start();
    expect(await quietAccount(again.url)).toMatchObject({ committed: 10, lost: 0 });
  });

  test("that is damaged is refused, named, and left as it was", async () => {
    const world = createFaultyWorld(cleanups);
    const path = join(world.folder, "ledger.db");
    const damaged = Buffer.from("this is no ledger ".repeat(1000));
    writeFileSync(path, damaged);
    const failure = await startFailure(world.start());
    expect(failure).toContain(path);
    expect(readFileSync(path).equals(damaged)).toBe(true);
    const status = await world.status();
    expect(status.exitCode).toBe(1);
    expect(status.stderr).toContain("ledger");
  });
});

describe("under way", () => {
  test("removed with its folder: written back, and nothing is missing anywhere", async () => {
    const world = createFaultyWorld(cleanups);
    const out = receiver();
    out.setBehaviour(503);
    const data = join(world.folder, "data");
    const tracing = {
      destinations: [{ name: "main", endpoint: out.url }],
      ledger: { path: join(data, "ledger.db") },
    };
    const gateway = await world.start({ tracing });
    const calls = [await callGateway(gateway, { route: "/v1/messages" })];
    rmSync(data, { recursive: true });
    for (let n = 0; n < 5; n++) calls.push(await callGateway(gateway, { route: "/v1/messages" }));
    expect(calls.every(({ status }) => status === 200)).toBe(true);
    out.setBehaviour({ kind: "accept" });
    const account = await quietAccount(gateway.url, 15_000);
    expect(account).toMatchObject({ recorded: 30, committed: 30, lost: 0 });
    for (const { caller } of calls) {
      const spans = out.spans().filter(({ traceId }) => traceId === caller.traceId);
      assertWholeTrace(spans, { caller, route: "/v1/messages", chat: true });
    }
    expect(gateway.stderr()).toContain("written back");
  }, 30_000);

  test("full: calls are served, what cannot be committed is counted, and all is well afterwards", async () => {
    const world = createFaultyWorld(cleanups);
    const small = smallVolume(3 << 20, cleanups);
    if (small === undefined) return;
    const gateway = await world.start({
      tracing: { ledger: { path: join(small, "ledger.db"), commit_timeout: "300ms" } },
    });
    await callGateway(gateway, { route: "/v1/messages" });
    Bun.spawnSync(["dd", "if=/dev/zero", `of=${join(small, "filler")}`], { stderr: "ignore" });
    let served = 1;
    await waitFor(
      async () => {
        const { status } = await callGateway(gateway, { route: "/v1/messages" });
        expect(status).toBe(200);
        served += 1;
        return (await readiness(gateway)).status === "degraded";
      },
      15_000,
      "the disk being full",
    );
    expect((await readiness(gateway)).code).toBe(200);
    expect(gateway.stderr()).toContain("ledger");
    rmSync(join(small, "filler"));
    await waitFor(async () => (await readiness(gateway)).status === "ok", 10_000, "the ledger");
    expect((await callGateway(gateway, { route: "/v1/messages" })).status).toBe(200);
    served += 1;
    const account = await quietAccount(gateway.url);
    expect(account.recorded).toBe(served * 5);
    expect(account.recorded).toBe(account.committed + account.lost);
    expect(account.committed).toBeGreaterThanOrEqual(10);
  }, 40_000);

  test("on_failure: refuse turns new calls away at the door, and takes them again", async () => {
    const world = createFaultyWorld(cleanups);
    // A file where the ledger's folder should be: no right of root's gets around that.
    const data = join(world.folder, "data");
    const gateway = await world.start({
      tracing: {
        ledger: { path: join(data, "ledger.db"), on_failure: "refuse", commit_timeout: "300ms" },
      },
    });
    expect((await callGateway(gateway, { route: "/v1/messages" })).status).toBe(200);
    rmSync(data, { recursive: true });
    writeFileSync(data, "in the way");
    const refused = await waitFor(
      async () => {
        const call = await callGateway(gateway, { route: "/v1/messages" });
        return call.status === 503 && call;
      },
      10_000,
      "a refusal",
    );
    expect(refused.body).toContain("ledger");
    expect((await readiness(gateway)).code).toBe(503);
    const asked = world.provider.callCount();
    await callGateway(gateway, { route: "/v1/messages" });
    expect(world.provider.callCount()).toBe(asked);
    rmSync(data);
    await waitFor(async () => (await readiness(gateway)).code === 200, 10_000, "the ledger");
    expect((await callGateway(gateway, { route: "/v1/messages" })).status).toBe(200);
    const account = await quietAccount(gateway.url);
    expect(account.recorded).toBe(account.committed + account.lost);
  }, 30_000);

  test("hanging at a SIGTERM: the process ends all the same, and says what it could not commit", async () => {
    const world = createFaultyWorld(cleanups);
    const gateway = await world.start({ tracing: { ledger: { commit_timeout: "400ms" } } });
    await callGateway(gateway, { route: "/v1/messages" });
    const database = new Database(join(world.folder, "ledger.db"));
    database.run("PRAGMA busy_timeout = 5000");
    database.run("BEGIN IMMEDIATE");
    cleanups.push(() => database.close());
    expect((await callGateway(gateway, { route: "/v1/messages" })).status).toBe(200);
    gateway.kill("SIGTERM");
    expect(await Promise.race([gateway.exited, Bun.sleep(8000)])).toBe(0);
    expect(gateway.stderr()).toMatch(/5 spans never committed|5 lost/);
    database.run("ROLLBACK");
    // The ledger itself is whole, and takes up where it was.
    const again = await world.start();
    const account = await quietAccount(again.url);
    expect(account.recorded).toBe(account.committed + account.lost);
    expect(account.committed).toBeGreaterThanOrEqual(5);
  });

  test("unwritable from the start: served under on_failure: serve, and said", async () => {
    const world = createFaultyWorld(cleanups);
    const data = join(world.folder, "data");
    writeFileSync(data, "a file where a folder should be");
    chmodSync(data, 0o400);
    const gateway = await world.start({
      tracing: { ledger: { path: join(data, "ledger.db"), commit_timeout: "200ms" } },
    });
    const call = await callGateway(gateway, { route: "/v1/messages" });
    expect(call.status).toBe(200);
    expect(await readiness(gateway)).toMatchObject({ code: 200, status: "degraded" });
    expect(gateway.stderr()).toContain("ledger");
    await waitFor(async () => (await scrape(gateway.url)).lost === 5, 5000, "the loss counted");
    rmSync(data, { force: true });
    await waitFor(async () => (await readiness(gateway)).status === "ok", 10_000, "the ledger");
    await callGateway(gateway, { route: "/v1/messages" });
    const account = await quietAccount(gateway.url);
    expect(account).toMatchObject({ recorded: 10, committed: 5, lost: 5, open: 0 });
  }, 30_000);
});

describe("a volume of its own that the ledger fills while its receiver is down", () => {
  /** Calls until the disk is full. */
  const fillVolume = async (onFailure: string) => {
    const world = createFaultyWorld(cleanups);
    const small = smallVolume(8 << 20, cleanups);
    if (small === undefined) return undefined;
    const out = receiver();
    out.setBehaviour(503);
    const path = join(small, "ledger.db");
    const tracing = {
      capture_content: true,
      content_limit: 100_000,
      destinations: [{ name: "main", endpoint: out.url }],
      ledger: { path, commit_timeout: "300ms", on_failure: onFailure },
    };
    let gateway = await world.start({ tracing });
    const call = () =>
      callGateway(gateway, { route: "/v1/messages", prompt: "a long story ".repeat(2000) });
    const callUntil = (condition: () => Promise<boolean>, what: string) =>
      waitFor(
        async () => {
          expect([200, ...(onFailure === "refuse" ? [503] : [])]).toContain((await call()).status);
          return condition();
        },
        20_000,
        what,
      );
    await waitFor(
      () => (statSync(`${path}-reserve`, { throwIfNoEntry: false })?.size ?? 0) > 0,
      5000,
      "the reserve",
    );
    await callUntil(
      async () => (await readiness(gateway)).reasons.some((reason) => reason.includes("is full")),
      "a full disk",
    );
    return {
      world,
      out,
      call,
      callUntil,
      gateway: () => gateway,
      kill: async () => {
        gateway.kill("SIGKILL");
        await gateway.exited;
      },
      restart: async () => {
        gateway = await world.start({ tracing });
      },
    };
  };

  test.each(["serve", "refuse"])(
    "heals by itself when the receiver is back, also over a kill -9, under on_failure: %s",
    async (onFailure) => {
      const filled = await fillVolume(onFailure);
      if (filled === undefined) return;
      const { out, call, callUntil, gateway } = filled;
      expect((await readiness(gateway())).code).toBe(onFailure === "refuse" ? 503 : 200);
      const full = await scrape(gateway().url);
      expect(full.committed).toBeGreaterThan(300);
      if (onFailure === "serve") {
        await callUntil(async () => (await scrape(gateway().url)).lost > full.lost, "a loss");
      }
      const { stderr } = gateway();
      expect(stderr().match(/: ledger .* is full/g) ?? stderr()).toHaveLength(1);

      await filled.kill();
      const isDegraded = async () => (await readiness(gateway())).status !== "ok";
      // Under `refuse` it is not ready before that.
      if (onFailure === "refuse") out.setBehaviour({ kind: "accept" });
      await filled.restart();
      if (onFailure === "serve") expect(await isDegraded()).toBe(true);
      out.setBehaviour({ kind: "accept" });
      await callUntil(async () => !(await isDegraded()), "a ledger that takes calls again");
      const after = await call();
      expect(after.status).toBe(200);
      const account = await quietAccount(gateway().url, 20_000);
      expect(account.committed).toBeGreaterThanOrEqual(full.committed + 5);
      expect(account.destinations["main"]).toMatchObject({ pending: 0, expired: 0 });
      const spans = out.spans().filter(({ traceId }) => traceId === after.caller.traceId);
      assertWholeTrace(spans, { caller: after.caller, route: "/v1/messages", chat: true });
      expect(new Set(out.spans().map(({ spanId }) => spanId)).size).toBe(account.committed);
    },
    60_000,
  );

  test("is emptied by `status --flush`, too", async () => {
    const filled = await fillVolume("serve");
    if (filled === undefined) return;
    const { committed } = await scrape(filled.gateway().url);
    await filled.kill();
    filled.out.setBehaviour({ kind: "accept" });
    const flushed = await filled.world.status("--flush");
    expect(flushed).toMatchObject({ exitCode: 0 });
    const arrived = new Set(filled.out.spans().map(({ spanId }) => spanId));
    expect(arrived.size).toBeGreaterThanOrEqual(committed);
  }, 60_000);
});
