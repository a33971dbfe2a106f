// What a reply waits for: the commit by default, the export, or nothing; and for how long at most when the ledger
// or a destination does not answer. On a real `serve`, told by the moments at which bytes arrive.

import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { startOtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import { startScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { apiBody, readApiReply, routes } from "../support/api-calls.ts";
import type { ApiRoute } from "../support/api-calls.ts";
import { startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import { quietAccount } from "../support/gateway-metrics.ts";
import { assertWholeTrace } from "../support/trace-assertions.ts";
import { newCallerSpan } from "../support/trace-context.ts";
import { basicProviders } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

// Processes and threads start in these tests, on machines with other things to do.
setDefaultTimeout(30_000);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(tracing: Readonly<Record<string, unknown>>) {
  const provider = startScriptedProvider();
  const receiver = startOtlpReceiver();
  cleanups.push(provider.stop, receiver.stop);
  const gateway = await startGatewayProcess({
    config: {
      server: { export_on_exit: "500ms" },
      providers: basicProviders(provider),
      tracing: { destinations: [{ name: "receiver", endpoint: receiver.url }], ...tracing },
    },
  });
  cleanups.push(() => gateway.stop());
  return { gateway, receiver };
}

interface TimedReply {
  readonly status: number;
  readonly body: string;
  readonly traceId: string;
  /** From the request to the first bytes, and to the end. */
  readonly firstMs: number;
  readonly endMs: number;
}

async function call(
  gateway: GatewayProcess,
  route: ApiRoute,
  stream: boolean,
): Promise<TimedReply> {
  const caller = newCallerSpan();
  const startedAt = performance.now();
  const reply = await fetch(gateway.url + route, {
    method: "POST",
    headers: { "content-type": "application/json", ...caller.headers },
    body: apiBody({ route, stream, script: stream ? { chunks: 4, chunkDelayMs: 1 } : {} }),
  });
  const decoder = new TextDecoder();
  let body = "";
  let firstMs = -1;
  for await (const bytes of reply.body as unknown as AsyncIterable<Uint8Array>) {
    if (firstMs < 0) firstMs = performance.now() - startedAt;
    body += decoder.decode(bytes, { stream: true });
  }
  const endMs = performance.now() - startedAt;
  return { status: reply.status, body, traceId: caller.traceId, firstMs, endMs };
}

/** Holds the ledger's write lock, as a disk that hangs would: commits wait until it is let go. */
function holdLedger(gateway: GatewayProcess): () => void {
  const database = new Database(join(gateway.folder, "ledger.db"));
  database.run("PRAGMA busy_timeout = 5000");
  database.run("BEGIN IMMEDIATE");
  let held = true;
  const letGo = (): void => {
    if (!held) return;
    held = false;
    database.run("ROLLBACK");
    database.close();
  };
  cleanups.push(letGo);
  return letGo;
}

const all = routes.flatMap((route) => [false, true].map((stream) => ({ route, stream })));

describe("reply_waits_for: export", () => {
  test("holds the last byte until every destination has accepted", async () => {
    const [receiver, slow] = [startOtlpReceiver(), startOtlpReceiver()];
    cleanups.push(receiver.stop, slow.stop);
    slow.setBehaviour({ kind: "slow", delayMs: 400 });
    const { gateway } = await start({
      reply_waits_for: "export",
      destinations: [
        { name: "receiver", endpoint: receiver.url },
        { name: "slow", endpoint: slow.url },
      ],
    });
    for (const { route, stream } of all) {
      const reply = await call(gateway, route, stream);
      expect(reply.status).toBe(200);
      expect(reply.endMs).toBeGreaterThan(390);
      expect(reply.endMs).toBeLessThan(2500);
      if (stream) expect(reply.firstMs).toBeLessThan(390);
      // It had accepted before the last byte: this very process could be frozen now.
      for (const out of [receiver, slow]) {
        const spans = out.spans().filter(({ traceId }) => traceId === reply.traceId);
        expect(spans).toHaveLength(5);
      }
    }
  });

  test("waits for export_wait at most", async () => {
    const { gateway, receiver } = await start({ reply_waits_for: "export", export_wait: "600ms" });
    receiver.setBehaviour({ kind: "hang" });
    const replies = await Promise.all(all.map(({ route, stream }) => call(gateway, route, stream)));
    for (const [at, reply] of replies.entries()) {
      expect(reply.status).toBe(200);
      expect(reply.endMs).toBeGreaterThan(590);
      expect(reply.endMs).toBeLessThan(2500);
      expect(readApiReply(all[at]!.route, reply.body).errorType).toBeUndefined();
    }
  });
});

describe("reply_waits_for: commit", () => {
  test("holds the last byte while the ledger does not take the call, and no part of a stream", async () => {
    const { gateway, receiver } = await start({ ledger: { commit_timeout: "5s" } });
    const letGo = holdLedger(gateway);
    const replies = all.map(({ route, stream }) => call(gateway, route, stream));
    const state = await Promise.race([Promise.all(replies).then(() => "served"), Bun.sleep(500)]);
    expect(state).toBeUndefined();
    letGo();
    for (const [at, reply] of (await Promise.all(replies)).entries()) {
      expect(reply.status).toBe(200);
      expect(reply.endMs).toBeGreaterThan(490);
      if (all[at]!.stream) expect(reply.firstMs).toBeLessThan(450);
      const account = await quietAccount(gateway.url);
      expect(account).toMatchObject({ lost: 0 });
      const spans = receiver.spans().filter(({ traceId }) => traceId === reply.traceId);
      expect(spans).toHaveLength(5);
    }
  });

  test("serves after commit_timeout, says so, and commits as soon as it can", async () => {
    const { gateway, receiver } = await start({ ledger: { commit_timeout: "400ms" } });
    const letGo = holdLedger(gateway);
    const reply = await call(gateway, "/v1/messages", false);
    expect(reply.status).toBe(200);
    expect(reply.endMs).toBeGreaterThan(390);
    expect(reply.endMs).toBeLessThan(2500);
    const ready = await fetch(`${gateway.url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ status: "degraded" });
    letGo();
    const account = await quietAccount(gateway.url);
    expect(account.recorded).toBe(account.committed + account.lost);
    await waitFor(
      async () => {
        const body = (await (await fetch(`${gateway.url}/readyz`)).json()) as { status: string };
        return body.status === "ok";
      },
      5000,
      "ready again",
    );
    const arrived = receiver.spans().filter(({ traceId }) => traceId === reply.traceId);
    // Either it came to the ledger in the end, or it is counted.
    expect(arrived.length + account.lost).toBe(5);
  });

  test("under on_failure: refuse new calls are refused while the ledger does not answer", async () => {
    const { gateway } = await start({ ledger: { commit_timeout: "300ms", on_failure: "refuse" } });
    const letGo = holdLedger(gateway);
    // Already paid for when it turns out: served.
    expect((await call(gateway, "/v1/messages", false)).status).toBe(200);
    const refused = await waitFor(
      async () => {
        const reply = await call(gateway, "/v1/messages", false);
        return reply.status === 503 && reply;
      },
      5000,
      "a refusal",
    );
    expect(readApiReply("/v1/messages", refused.body).errorType).toBe("overloaded_error");
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
    letGo();
    await waitFor(
      async () => (await call(gateway, "/v1/messages", false)).status === 200,
      10_000,
      "service again",
    );
  });
});

test("reply_waits_for: nothing does not wait, and commits behind the reply", async () => {
  const { gateway, receiver } = await start({ reply_waits_for: "nothing" });
  const letGo = holdLedger(gateway);
  const replies = await Promise.all(all.map(({ route, stream }) => call(gateway, route, stream)));
  for (const reply of replies) {
    expect(reply.status).toBe(200);
    expect(reply.endMs).toBeLessThan(1500);
  }
  letGo();
  const account = await quietAccount(gateway.url);
  expect(account.recorded).toBe(20);
  expect(account.lost).toBe(0);
  for (const [at, { traceId }] of replies.entries()) {
    const spans = receiver.spans().filter((span) => span.traceId === traceId);
    const { route } = all[at]!;
    const parent = spans.find(({ kind }) => kind === 2)?.parentSpanId ?? "";
    assertWholeTrace(spans, { caller: { traceId, spanId: parent }, route, chat: true });
  }
});
