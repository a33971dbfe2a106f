// A worker thread that is stuck, breaks or exits, in a real `serve`, by a guardrail module that does it: its calls
// get a clear error and a whole trace, nobody else notices, and the pool heals.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { apiBody, defaultModels, readApiReply, routes } from "../support/api-calls.ts";
import type { ApiReply, ApiRoute } from "../support/api-calls.ts";
import { quietAccount, scrape } from "../support/gateway-metrics.ts";
import { assertWholeTrace, type CallTree } from "../support/trace-assertions.ts";
import { newCallerSpan } from "../support/trace-context.ts";
import { basicProviders, startTracedGateway } from "../support/traced-gateway.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

// Processes and threads start in these tests, on machines with other things to do.
setDefaultTimeout(30_000);

const stallTimeoutMs = 700;

let traced: TracedGateway;
beforeAll(async () => {
  const module = fileURLToPath(new URL("../support/trouble-guardrail.ts", import.meta.url));
  traced = await startTracedGateway({
    provider: {
      named: {
        trouble: {
          text: `${"All is well so far. ".repeat(60)}TROUBLE-wait-then-spin`,
          chunks: 20,
          chunkDelayMs: 20,
        },
      },
    },
    config: (provider) => ({
      pool: { threads: 2, stall_timeout: `${stallTimeoutMs}ms` },
      providers: basicProviders(provider),
      guardrails: [
        {
          name: "trouble",
          type: "module",
          path: module,
          modes: ["pre_call", "post_call"],
          always: true,
          timeout: "30s",
        },
      ],
    }),
  });
});
afterAll(async () => {
  await traced?.stop();
});

interface Answered {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly said: ApiReply;
  readonly ms: number;
  /** The spans of the call, checked. */
  readonly tree: () => Promise<CallTree>;
}

async function call(from: {
  readonly route: ApiRoute;
  readonly stream?: boolean;
  readonly prompt?: string;
  readonly model?: string;
}): Promise<Answered> {
  const { route } = from;
  const caller = newCallerSpan();
  const startedAt = performance.now();
  const reply = await fetch(traced.gateway.url + route, {
    method: "POST",
    headers: { "content-type": "application/json", ...caller.headers },
    body: apiBody(from),
  });
  const said = readApiReply(route, await reply.text());
  const ms = performance.now() - startedAt;
  return {
    status: reply.status,
    retryAfter: reply.headers.get("retry-after"),
    said,
    ms,
    tree: async () =>
      assertWholeTrace(await traced.trace(caller.traceId), { caller, route, chat: true }),
  };
}

async function ready(): Promise<{ status: string; reasons?: string[] }> {
  return (await fetch(`${traced.gateway.url}/readyz`)).json() as Promise<{ status: string }>;
}

/** Makes the trouble beside eight good calls on both threads; gives the broken call. */
async function makeTrouble(trouble: string, route: ApiRoute): Promise<Answered> {
  const before = await scrape(traced.gateway.url);
  const broken = call({ route, prompt: `TROUBLE-${trouble}` });
  // Sent once the trouble has begun, so that no good call is on the broken thread.
  await Bun.sleep(500);
  const beside = await Promise.all(
    Array.from({ length: 8 }, (_, n) => call({ route: routes[n % 2]!, stream: n % 4 > 1 })),
  );
  for (const good of beside) {
    expect(good.status).toBe(200);
    expect(good.said.errorType).toBeUndefined();
    expect(good.ms).toBeLessThan(stallTimeoutMs + 1000);
  }
  const answered = await broken;
  await waitFor(async () => (await ready()).status === "ok", 1000, "the pool healed");
  const after = await quietAccount(traced.gateway.url);
  expect(after.workerRestarts).toBe(before.workerRestarts + 1);
  expect(after.lost).toBe(0);
  return answered;
}

describe.each(routes)("on %s", (route) => {
  test.each(["wait-then-spin", "throw-late", "reject-late", "exit"])(
    "%s costs its own call a 503, traced whole, and nobody else anything",
    async (trouble) => {
      const broken = await makeTrouble(trouble, route);
      expect(broken.status).toBe(503);
      expect(Number(broken.retryAfter)).toBeGreaterThan(0);
      expect(broken.said.errorType).toBe(
        route === "/v1/messages" ? "overloaded_error" : "server_error",
      );
      expect(broken.ms).toBeLessThan(stallTimeoutMs + 2000);
      const { root, chat, guardrails, attempts } = await broken.tree();
      expect(root.attributes["error.type"]).toBe("worker_lost");
      expect(root.attributes["http.response.status_code"]).toBe(503);
      expect(chat?.attributes["error.type"]).toBe("worker_lost");
      expect(chat?.statusCode).toBe(2);
      // From the journal: the guardrail it was in.
      if (trouble === "wait-then-spin") {
        expect(guardrails).toHaveLength(1);
        expect(guardrails[0]?.attributes["error.type"]).toBe("worker_lost");
        expect(attempts).toHaveLength(0);
      }
    },
    30_000,
  );

  test("an endless loop in mid-stream ends the stream with its protocol's error event", async () => {
    const model = `${defaultModels[route]}!trouble`;
    const { status, said, tree, ms } = await call({ route, stream: true, model });
    expect(status).toBe(200);
    expect(said.text).toStartWith("All is well so far.");
    expect(said.text).not.toContain("TROUBLE");
    expect(said.errorType).toBeDefined();
    expect(said.ended).toBe(false);
    expect(ms).toBeLessThan(stallTimeoutMs + 3000);
    const { root, chat, attempts } = await tree();
    expect(root.attributes["http.response.status_code"]).toBe(200);
    expect(root.statusCode).toBe(2);
    expect(chat?.attributes["error.type"]).toBe("worker_lost");
    expect(attempts).toHaveLength(1);
    expect(attempts[0]?.statusCode).toBe(2);
    await waitFor(async () => (await ready()).status === "ok", 1000, "the pool healed");
  }, 30_000);

  test("an endless loop within the first moments still leaves a whole trace", async () => {
    const stuck = await call({ route, prompt: "TROUBLE-spin" });
    expect(stuck.status).toBe(503);
    const { root, chat } = await stuck.tree();
    expect(root.attributes["error.type"]).toBe("worker_lost");
    expect(chat?.attributes["error.type"]).toBe("worker_lost");
  }, 30_000);

  test("an allocation that cannot be is an error of its guardrail, and costs no thread", async () => {
    const before = await scrape(traced.gateway.url);
    const refused = await call({ route, prompt: "TROUBLE-too-much" });
    expect(refused.status).toBe(503);
    const { chat } = await refused.tree();
    expect(chat?.attributes["error.type"]).toBe("guardrail_failed");
    expect((await scrape(traced.gateway.url)).workerRestarts).toBe(before.workerRestarts);
  });
});

test("both threads stuck at once: calls meanwhile get an error or wait, and then all is well", async () => {
  const stuck = [1, 2].map(() => call({ route: "/v1/messages", prompt: "TROUBLE-spin" }));
  await waitFor(async () => (await scrape(traced.gateway.url)).callsInFlight === 2, 2000);
  await waitFor(async () => (await fetch(`${traced.gateway.url}/healthz`)).ok, 2000);
  for (const answered of await Promise.all(stuck)) expect(answered.status).toBe(503);
  await waitFor(async () => (await ready()).status === "ok", 1500, "the pool healed");
  expect((await call({ route: "/v1/messages" })).status).toBe(200);
  const account = await quietAccount(traced.gateway.url);
  expect(account.lost).toBe(0);
  expect(account.recorded).toBe(traced.receiver.acceptedCount());
}, 30_000);
