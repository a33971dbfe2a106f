// Receivers that fail in every way, all at once, behind a real `serve`: replies are not slowed, the destination that
// works gets everything at once, and each of the others gets everything in the end, once.

import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { startOtlpReceiver, type OtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import type { ReceiverBehaviour } from "../../src/demo/receiver-behaviour.ts";
import { routes } from "../support/api-calls.ts";
import { callGateway, createFaultyWorld, readiness } from "../support/faulty-world.ts";
import type { WorldCall } from "../support/faulty-world.ts";
import { destinationSum, quietAccount, scrape } from "../support/gateway-metrics.ts";
import { assertWholeTrace } from "../support/trace-assertions.ts";
import { waitFor } from "../support/wait-for.ts";

// Processes and threads start in these tests, on machines with other things to do.
setDefaultTimeout(30_000);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function receiver(behaviour?: number | ReceiverBehaviour, port?: number): OtlpReceiver {
  const started = startOtlpReceiver({
    ...(behaviour !== undefined && { behaviour }),
    ...(port !== undefined && { port }),
  });
  cleanups.push(started.stop);
  return started;
}

/** Every span of these calls has arrived there, whole, and once. */
function expectArrived(out: OtlpReceiver, calls: readonly WorldCall[]): void {
  const ids = out.spans().map(({ spanId }) => spanId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [at, { caller }] of calls.entries()) {
    const spans = out.spans().filter(({ traceId }) => traceId === caller.traceId);
    assertWholeTrace(spans, { caller, route: routes[at % 2]!, chat: true });
  }
}

test("every fault at once slows no reply and no other destination, and is made good", async () => {
  const world = createFaultyWorld(cleanups);
  const good = receiver();
  const faulty: Readonly<Record<string, OtlpReceiver>> = {
    hanging: receiver({ kind: "hang" }),
    failing: receiver(500),
    busy: receiver({ kind: "status", status: 429, headers: { "retry-after": "1" } }),
    resetting: receiver({ kind: "reset" }),
    unwilling: receiver(401),
    webpage: receiver({ kind: "html" }),
    slow: receiver({ kind: "slow", delayMs: 300 }),
  };
  const unborn = receiver();
  const { port } = unborn;
  unborn.stop();
  const destinations = [
    { name: "good", endpoint: good.url },
    ...Object.entries(faulty).map(([name, { url }]) => ({ name, endpoint: url, timeout: "1s" })),
    { name: "unreachable", endpoint: `http://127.0.0.1:${port}/v1/traces` },
    // Speaks no TLS.
    { name: "tls", endpoint: good.url.replace("http://", "https://") },
  ];
  const gateway = await world.start({ tracing: { destinations } });
  const calls: WorldCall[] = [];
  for (let n = 0; n < 40; n++) {
    const route = routes[n % 2]!;
    calls.push(await callGateway(gateway, { route, stream: n % 4 > 1 }));
  }
  expect(calls.filter(({ status }) => status !== 200)).toEqual([]);
  const times = calls.map(({ ms }) => ms).toSorted((a, b) => a - b);
  expect(times[20]).toBeLessThan(200);
  await waitFor(() => good.acceptedCount() === 200, 2000, "everything at the good destination");
  expectArrived(good, calls);

  const { code, status, reasons } = await waitFor(async () => {
    const ready = await readiness(gateway);
    return reasonsOf(ready.reasons, ["unwilling is paused", "webpage", "unreachable"]) && ready;
  }, 5000);
  expect([code, status]).toEqual([200, "degraded"]);
  expect(reasons.join("\n")).not.toContain("destination good");
  expect(gateway.stderr()).toContain("unwilling");

  for (const each of Object.values(faulty)) each.setBehaviour({ kind: "accept" });
  const born = receiver(undefined, port);
  const repaired: Readonly<Record<string, OtlpReceiver>> = { ...faulty, unreachable: born };
  for (const [name, out] of Object.entries(repaired)) {
    await waitFor(() => out.acceptedCount() >= 200, 15_000, `everything at ${name}`);
    // What a receiver had taken in when it hung up is the request in flight, and may come again.
    if (name !== "slow" && name !== "hanging" && name !== "resetting") expectArrived(out, calls);
  }
  const account = await scrape(gateway.url);
  expect(account).toMatchObject({ recorded: 200, committed: 200, lost: 0 });
  for (const { name } of destinations) {
    expect([name, destinationSum(account.destinations[name])]).toEqual([name, 200]);
  }
  expect(account.destinations["tls"]).toMatchObject({ pending: 200, exported: 0 });

  // The cursor belongs to the name: mended in the configuration, it goes on where it was.
  await gateway.stop();
  const mended = receiver();
  const again = await world.start({
    tracing: {
      destinations: [
        { name: "good", endpoint: good.url },
        { name: "tls", endpoint: mended.url },
      ],
    },
  });
  await waitFor(() => mended.acceptedCount() === 200, 5000, "everything at the mended one");
  expectArrived(mended, calls);
  expect(good.acceptedCount()).toBe(200);
  expect(await quietAccount(again.url)).toMatchObject({ recorded: 200, committed: 200, lost: 0 });
}, 60_000);

function reasonsOf(reasons: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((text) => reasons.some((reason) => reason.includes(text)));
}

test("a poison call is set aside, shown with its reason, and sent again when asked for", async () => {
  const world = createFaultyWorld(cleanups);
  const out = receiver();
  const gateway = await world.start({
    tracing: { destinations: [{ name: "picky", endpoint: out.url }] },
  });
  // It has accepted something, so that a refusal is about the call and not about us.
  await callGateway(gateway, { route: "/v1/messages" });
  await waitFor(() => out.acceptedCount() === 5, 5000, "the first call");
  out.setBehaviour(({ spans }) =>
    spans.some(({ attributes }) => attributes["session.id"] === "poison")
      ? { kind: "status", status: 400, body: "I do not like this span" }
      : { kind: "accept" },
  );
  const calls = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      callGateway(
        gateway,
        { route: "/v1/messages" },
        { "x-session-id": n === 7 ? "poison" : "fine" },
      ),
    ),
  );
  expect(calls.filter(({ status }) => status !== 200)).toEqual([]);
  const account = await quietAccount(gateway.url);
  expect(account.destinations["picky"]).toMatchObject({ exported: 100, rejected: 5, pending: 0 });
  expect(account.lost).toBe(0);
  expect(out.acceptedCount()).toBe(100);
  const shown = await world.status("--rejected");
  expect(shown.exitCode).toBe(0);
  expect(shown.stdout).toContain("I do not like this span");
  expect(shown.stdout).toContain("picky");

  out.setBehaviour({ kind: "accept" });
  const retried = await world.status("--retry-rejected", "picky");
  expect(retried.exitCode).toBe(0);
  await waitFor(() => out.acceptedCount() === 105, 10_000, "the call that was set aside");
  const after = await waitFor(async () => {
    const now = await scrape(gateway.url);
    return now.destinations["picky"]?.["rejected"] === 0 && now;
  }, 5000);
  expect(after.destinations["picky"]).toMatchObject({ exported: 105, pending: 0 });
}, 30_000);

test("a caller's sampled=0 is committed and counted, and not exported; so over a restart", async () => {
  const world = createFaultyWorld(cleanups);
  const out = receiver();
  const tracing = { destinations: [{ name: "main", endpoint: out.url }] };
  const first = await world.start({ tracing });
  const unsampled = { traceparent: `00-${"ab".repeat(16)}-${"cd".repeat(8)}-00` };
  await callGateway(first, { route: "/v1/messages" });
  await callGateway(first, { route: "/v1/messages" }, unsampled);
  const before = await quietAccount(first.url);
  expect(before).toMatchObject({ recorded: 10, committed: 10, lost: 0, open: 0 });
  expect(before.destinations["main"]).toMatchObject({ exported: 5, unsampled: 5 });
  await first.stop();

  const second = await world.start({ tracing });
  expect(await quietAccount(second.url)).toMatchObject({ recorded: 10, committed: 10, lost: 0 });
  await callGateway(second, { route: "/v1/chat/completions", stream: true });
  const after = await quietAccount(second.url);
  expect(after).toMatchObject({ recorded: 15, committed: 15, lost: 0, open: 0 });
  expect(after.destinations["main"]).toMatchObject({ exported: 10, unsampled: 5, pending: 0 });
  expect(out.acceptedCount()).toBe(10);
  const { stdout } = await world.status("--json");
  expect(JSON.parse(stdout)).toMatchObject({ committed: 15, lost: 0 });
}, 30_000);
