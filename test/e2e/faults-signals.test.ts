// SIGTERM, SIGINT and SIGHUP to a real `serve`: what runs is finished or cancelled with an error, all is committed and
// exported, what stays is said and kept, and the exit code is 0.

import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startOtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import { startScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { apiBody, readApiReply, routes } from "../support/api-calls.ts";
import type { ApiCall } from "../support/api-calls.ts";
import { startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import { quietAccount, scrape } from "../support/gateway-metrics.ts";
import { assertWholeTrace } from "../support/trace-assertions.ts";
import { newCallerSpan } from "../support/trace-context.ts";
import type { CallerSpan } from "../support/trace-context.ts";
import { basicProviders } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

// Processes and threads start in these tests, on machines with other things to do.
setDefaultTimeout(30_000);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function start(
  server: Readonly<Record<string, unknown>> = {},
  further: Readonly<Record<string, unknown>> = {},
) {
  const folder = mkdtempSync(join(tmpdir(), "everyspan-signals-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const provider = startScriptedProvider();
  const receiver = startOtlpReceiver();
  cleanups.push(provider.stop, receiver.stop);
  const startGateway = async (...under: string[]): Promise<GatewayProcess> => {
    const gateway = await startGatewayProcess({
      folder,
      under,
      config: {
        server,
        providers: basicProviders(provider),
        tracing: { destinations: [{ name: "receiver", endpoint: receiver.url }] },
        ...further,
      },
    });
    cleanups.push(() => gateway.stop(0));
    return gateway;
  };
  return { provider, receiver, startGateway };
}

function send(gateway: GatewayProcess, call: ApiCall, caller?: CallerSpan): Promise<Response> {
  return fetch(gateway.url + call.route, {
    method: "POST",
    headers: { "content-type": "application/json", ...caller?.headers },
    body: apiBody(call),
  });
}

async function exitOf(gateway: GatewayProcess, withinMs: number): Promise<number | null> {
  const late = Bun.sleep(withinMs).then(() => {
    throw new Error(`no exit within ${withinMs} ms:\n${gateway.stderr()}`);
  });
  return Promise.race([gateway.exited, late]);
}

describe.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("%s", (signal) => {
  test("lets what runs finish, refuses what is new, exports all of it", async () => {
    const { provider, receiver, startGateway } = start();
    const gateway = await startGateway();
    const running = routes.flatMap((route) =>
      [false, true].map((stream) => {
        const caller = newCallerSpan();
        const script = stream ? { chunks: 6, chunkDelayMs: 150 } : { delayMs: 900 };
        return { route, caller, reply: send(gateway, { route, stream, script }, caller) };
      }),
    );
    // An idle connection, kept alive, must hold nothing up.
    const { hostname, port } = new URL(gateway.url);
    const idle = await Bun.connect({
      hostname,
      port: Number(port),
      socket: { data: () => undefined },
    });
    cleanups.push(() => idle.end());
    idle.write("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    await waitFor(() => provider.callCount() === 4, 5000, "four calls at the provider");

    gateway.kill(signal);
    await waitFor(async () => (await fetch(`${gateway.url}/readyz`)).status === 503, 5000, "503");
    for (const route of routes) {
      const refused = await send(gateway, { route });
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(readApiReply(route, await refused.text()).errorType).toBeDefined();
    }
    for (const { route, reply } of running) {
      const answered = await reply;
      expect(answered.status).toBe(200);
      const said = readApiReply(route, await answered.text());
      expect(said.errorType).toBeUndefined();
      expect(said.text).not.toBe("");
    }
    expect(await exitOf(gateway, 8000)).toBe(0);
    expect(gateway.stderr()).toMatch(/stopped: \d+ spans committed, 0 lost\n/);
    for (const { route, caller } of running) {
      const spans = receiver.spans().filter(({ traceId }) => traceId === caller.traceId);
      const { root } = assertWholeTrace(spans, { caller, route, chat: true, attempts: 1 });
      expect(root.attributes["http.response.status_code"]).toBe(200);
    }
  });
});

test("a terminal that closes sends SIGHUP more than once: that hurries nothing", async () => {
  const { provider, startGateway } = start();
  const gateway = await startGateway();
  const reply = send(gateway, { route: "/v1/messages", script: { delayMs: 900 } });
  await waitFor(() => provider.callCount() === 1, 5000, "the call at the provider");
  gateway.kill("SIGHUP");
  await waitFor(() => gateway.stderr().includes("SIGHUP: finishing"), 5000, "the first signal");
  gateway.kill("SIGHUP");
  const answered = await reply;
  expect(answered.status).toBe(200);
  await answered.text();
  expect(await exitOf(gateway, 8000)).toBe(0);
});

// Linux alone tells a process what it was started to ignore.
test.if(process.platform === "linux")("SIGHUP under nohup ends nothing", async () => {
  const { startGateway } = start();
  const gateway = await startGateway("nohup");
  gateway.kill("SIGHUP");
  const answered = await send(gateway, { route: "/v1/messages" });
  expect(answered.status).toBe(200);
  await answered.text();
  gateway.kill("SIGTERM");
  expect(await exitOf(gateway, 8000)).toBe(0);
  expect(gateway.stderr()).not.toContain("SIGHUP");
});

describe("calls that do not end within the drain timeout", () => {
  test("are cancelled with an error in their own protocol, and their traces say so", async () => {
    const { provider, receiver, startGateway } = start({ drain_timeout: "200ms" });
    const gateway = await startGateway();
    const hanging = routes.flatMap((route) =>
      [false, true].map((stream) => {
        const caller = newCallerSpan();
        const hang = stream ? "between-chunks" : "before-headers";
        const reply = send(gateway, { route, stream, script: { hang } }, caller);
        return { route, stream, caller, reply };
      }),
    );
    await waitFor(() => provider.callCount() === 4, 5000, "four calls at the provider");
    await Promise.all(hanging.filter(({ stream }) => stream).map(({ reply }) => reply));
    gateway.kill("SIGTERM");
    for (const { route, stream, reply } of hanging) {
      const answered = await reply;
      expect(answered.status).toBe(stream ? 200 : 503);
      const said = readApiReply(route, await answered.text());
      expect(said.errorType).toBeDefined();
      expect(said.ended).toBe(false);
    }
    expect(await exitOf(gateway, 5000)).toBe(0);
    for (const { route, stream, caller } of hanging) {
      const spans = receiver.spans().filter(({ traceId }) => traceId === caller.traceId);
      const { root, chat } = assertWholeTrace(spans, { caller, route, chat: true, attempts: 1 });
      expect(chat?.attributes["error.type"]).toBe("draining");
      expect(root.statusCode).toBe(2);
      expect(root.attributes["http.response.status_code"]).toBe(stream ? 200 : 503);
    }
  });

  test("are cancelled at once by a second signal", async () => {
    const { provider, receiver, startGateway } = start({ drain_timeout: "60s" });
    const gateway = await startGateway();
    const caller = newCallerSpan();
    const reply = send(
      gateway,
      { route: "/v1/messages", script: { hang: "before-headers" } },
      caller,
    );
    await waitFor(() => provider.callCount() === 1, 5000, "the call at the provider");
    gateway.kill("SIGTERM");
    await waitFor(() => gateway.stderr().includes("finishing"), 5000, "the first signal");
    gateway.kill("SIGTERM");
    expect((await reply).status).toBe(503);
    expect(await exitOf(gateway, 4000)).toBe(0);
    // Not waited for, yet kept: the next start sends it.
    const again = await startGateway();
    await quietAccount(again.url);
    const spans = receiver.spans().filter(({ traceId }) => traceId === caller.traceId);
    assertWholeTrace(spans, { caller, route: "/v1/messages", chat: true, attempts: 1 });
  });
});

test("a thread that is stuck holds no exit up: its call is answered and traced", async () => {
  const path = fileURLToPath(new URL("../support/trouble-guardrail.ts", import.meta.url));
  const trouble = { name: "trouble", type: "module", path, modes: ["pre_call"], always: true };
  const { receiver, startGateway } = start(
    { drain_timeout: "200ms" },
    { guardrails: [trouble], pool: { threads: 1, stall_timeout: "10m" } },
  );
  const gateway = await startGateway();
  const caller = newCallerSpan();
  const route = "/v1/messages";
  const stuck = send(gateway, { route, prompt: "TROUBLE-wait-then-spin" }, caller);
  await waitFor(async () => (await scrape(gateway.url)).callsInFlight === 1, 5000, "the call");
  await Bun.sleep(300);
  gateway.kill("SIGTERM");
  const answered = await stuck;
  expect(answered.status).toBe(503);
  expect(readApiReply(route, await answered.text()).errorType).toBeDefined();
  expect(await exitOf(gateway, 8000)).toBe(0);
  const spans = receiver.spans().filter(({ traceId }) => traceId === caller.traceId);
  const { root } = assertWholeTrace(spans, { caller, route, chat: true, guardrails: 1 });
  expect(root.attributes["error.type"]).toBe("draining");
});

test("what cannot be exported in time is said and kept, and the next start sends it", async () => {
  const { receiver, startGateway } = start({ export_on_exit: "300ms" });
  receiver.setBehaviour({ kind: "hang" });
  const gateway = await startGateway();
  const caller = newCallerSpan();
  await (await send(gateway, { route: "/v1/messages" }, caller)).text();
  gateway.kill("SIGTERM");
  expect(await exitOf(gateway, 5000)).toBe(0);
  expect(gateway.stderr()).toMatch(/kept in the ledger for the next start: 5 spans for receiver/);
  expect(receiver.spans()).toEqual([]);

  receiver.setBehaviour({ kind: "accept" });
  const again = await startGateway();
  const account = await quietAccount(again.url);
  expect(account).toMatchObject({ recorded: 5, committed: 5, lost: 0 });
  const spans = receiver.spans().filter(({ traceId }) => traceId === caller.traceId);
  assertWholeTrace(spans, { caller, route: "/v1/messages", chat: true, attempts: 1 });
});
