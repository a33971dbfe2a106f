// `kill -9` under load, at random moments, again and again on the same ledger; then the counting. What a client
// holds whole must have arrived, once; what was open for a while must arrive closed.

import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startOtlpReceiver, type OtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import type { ReceivedSpan } from "../../src/demo/received-span.ts";
import { startScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { apiBody } from "../support/api-calls.ts";
import { startLoad, type BookedCall } from "../support/call-load.ts";
import { startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import { destinationSum, quietAccount } from "../support/gateway-metrics.ts";
import { createRandomSource } from "../support/random-source.ts";
import { assertWholeTrace } from "../support/trace-assertions.ts";
import { newCallerSpan } from "../support/trace-context.ts";
import { basicProviders } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

// Processes and threads start in these tests, on machines with other things to do.
setDefaultTimeout(30_000);

const isLong = process.env["EVERYSPAN_LONG"] === "1";
const kills = isLong ? 100 : 8;
/** Beyond the 20 ms of the promise: the request's own way, two timers, a machine with other things to do. */
const surelyJournaledMs = 300;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function world() {
  const folder = mkdtempSync(join(tmpdir(), "everyspan-kill-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const provider = startScriptedProvider({ record: false });
  const receiver = startOtlpReceiver();
  cleanups.push(provider.stop, receiver.stop);
  const startGateway = async (): Promise<GatewayProcess> => {
    const gateway = await startGatewayProcess({
      folder,
      config: {
        providers: basicProviders(provider),
        tracing: { destinations: [{ name: "receiver", endpoint: receiver.url }] },
      },
    });
    cleanups.push(() => gateway.stop(0));
    return gateway;
  };
  return { folder, provider, receiver, startGateway };
}

/** Spans by trace; a repeat must be the same span to the last byte. Counts the repeats. */
function traces(receiver: OtlpReceiver): {
  readonly byTrace: ReadonlyMap<string, readonly ReceivedSpan[]>;
  readonly repeatedRequests: number;
} {
  const seen = new Map<string, string>();
  const byTrace = new Map<string, ReceivedSpan[]>();
  let repeatedRequests = 0;
  for (const request of receiver.requests) {
    let repeats = 0;
    for (const span of request.spans) {
      const text = JSON.stringify(span, (_, value: unknown) =>
        typeof value === "bigint" ? String(value) : value,
      );
      const before = seen.get(span.spanId);
      if (before !== undefined) {
        if (before !== text) throw new Error(`a span came again, changed:\n${before}\n${text}`);
        repeats += 1;
        continue;
      }
      seen.set(span.spanId, text);
      const spans = byTrace.get(span.traceId);
      if (spans === undefined) byTrace.set(span.traceId, [span]);
      else spans.push(span);
    }
    if (repeats > 0) repeatedRequests += 1;
  }
  return { byTrace, repeatedRequests };
}

function checkTrace(call: BookedCall, spans: readonly ReceivedSpan[]): "served" | "interrupted" {
  const { caller, route } = call;
  const chat = spans.some(({ name }) => name.startsWith("chat "));
  const { root } = assertWholeTrace(spans, { caller, route, chat });
  if (root.attributes["everyspan.interrupted"] !== true) {
    expect(chat).toBe(true);
    return "served";
  }
  expect(root.statusCode).toBe(2);
  expect(root.attributes["error.type"]).toBe("interrupted");
  return "interrupted";
}

describe("kill -9", () => {
  test(`${kills} times under load loses no call that was answered, nor one that was open`, async () => {
    const random = createRandomSource();
    console.log(`seed ${random.seed}`);
    const { receiver, startGateway } = world();
    const must: BookedCall[] = [];
    const may: BookedCall[] = [];
    for (let round = 0; round < kills; round++) {
      const gateway = await startGateway();
      const load = startLoad({
        url: gateway.url,
        clients: 16,
        random,
        script: (from, stream) => {
          const longMs = from.next() < 0.2 ? 3000 : from.between(0, 60);
          return stream ? { chunks: 4, chunkDelayMs: longMs / 4 } : { delayMs: longMs };
        },
      });
      await Bun.sleep(random.between(100, 900));
      gateway.kill("SIGKILL");
      const killedAtMs = performance.now();
      await gateway.exited;
      await load.stop();
      for (const call of load.book) {
        const wasOpenMs = killedAtMs - call.sentAtMs;
        const isDue = call.state === "whole" || wasOpenMs > surelyJournaledMs;
        (isDue ? must : may).push(call);
      }
    }
    const gateway = await startGateway();
    const account = await quietAccount(gateway.url, 20_000);
    expect(account.lost).toBe(0);
    expect(destinationSum(account.destinations["receiver"])).toBe(account.committed);

    const { byTrace, repeatedRequests } = traces(receiver);
    const answered = must.filter(({ state }) => state === "whole");
    const missing = must.filter(({ caller }) => !byTrace.has(caller.traceId));
    expect(missing).toEqual([]);
    expect(answered.length).toBeGreaterThan(kills * 5);
    let interrupted = 0;
    for (const call of [...must, ...may]) {
      const spans = byTrace.get(call.caller.traceId);
      if (spans === undefined) continue;
      const how = checkTrace(call, spans);
      if (call.state === "whole") expect(how).toBe("served");
      if (how === "interrupted") interrupted += 1;
    }
    expect(interrupted).toBeGreaterThan(kills);
    expect(repeatedRequests).toBeLessThanOrEqual(kills);
    console.log(
      `${answered.length} answered, ${interrupted} closed as interrupted, ` +
        `${repeatedRequests} requests came again in ${kills} kills, 0 missing`,
    );
  }, 1_200_000);

  test("leaves open calls that `everyspan status --flush` closes and sends, without a serve", async () => {
    const { folder, provider, receiver, startGateway } = world();
    const gateway = await startGateway();
    const callers = [newCallerSpan(), newCallerSpan()];
    for (const [at, caller] of callers.entries()) {
      const stream = at === 1;
      void fetch(`${gateway.url}/v1/messages`, {
        method: "POST",
        headers: { "content-type": "application/json", ...caller.headers },
        body: apiBody({
          route: "/v1/messages",
          stream,
          script: { hang: stream ? "between-chunks" : "before-headers" },
        }),
      }).then(
        (reply) => reply.text().catch(() => ""),
        () => "",
      );
    }
    await waitFor(() => provider.callCount() === 2, 5000, "two calls at the provider");
    await Bun.sleep(surelyJournaledMs);
    gateway.kill("SIGKILL");
    const killedAtMs = Date.now();
    await gateway.exited;
    expect(receiver.spans()).toEqual([]);

    await Bun.sleep(1000);
    const main = resolve(import.meta.dir, "../../src/main.ts");
    const flush = Bun.spawn([process.execPath, main, "status", "--flush"], {
      cwd: folder,
      stdout: "ignore",
      stderr: "pipe",
    });
    expect(await new Response(flush.stderr).text()).toContain("2 calls were open");
    expect(await flush.exited).toBe(0);
    for (const caller of callers) {
      const spans = receiver.spans().filter(({ traceId }) => traceId === caller.traceId);
      const tree = assertWholeTrace(spans, {
        caller,
        route: "/v1/messages",
        chat: true,
        attempts: 1,
      });
      for (const span of [tree.root, tree.chat, tree.attempts[0]]) {
        expect(span?.attributes["everyspan.interrupted"]).toBe(true);
        expect(span?.statusCode).toBe(2);
      }
      // Ended when the process was last known alive, not when somebody looked.
      expect(tree.root.endMs).toBeLessThan(killedAtMs + 300);
    }
  }, 30_000);
});
