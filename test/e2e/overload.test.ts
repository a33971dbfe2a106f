// A full gateway: refusals are 503 in the route's own shape, traced without a chat span, and the calls it
// has are served all the same.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { apiBody, readApiReply, routes } from "../support/api-calls.ts";
import { assertWholeTrace } from "../support/trace-assertions.ts";
import { newCallerSpan } from "../support/trace-context.ts";
import { startTracedGateway } from "../support/traced-gateway.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

let traced: TracedGateway;
beforeAll(async () => {
  traced = await startTracedGateway({
    config: () => ({ pool: { threads: 1, calls_per_thread: 1, queue: 0 } }),
  });
});
afterAll(async () => {
  await traced?.stop();
});

test("beyond the queue a call is refused with 503, retry-after and a trace without a chat span", async () => {
  const held = fetch(`${traced.gateway.url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: apiBody({ route: "/v1/messages", script: { delayMs: 1500 } }),
  });
  await waitFor(() => traced.provider.callCount() === 1, 5000);
  for (const route of routes) {
    for (const stream of [false, true]) {
      const caller = newCallerSpan();
      const reply = await fetch(traced.gateway.url + route, {
        method: "POST",
        headers: { "content-type": "application/json", ...caller.headers },
        body: apiBody({ route, stream, metadata: "user_id" }),
      });
      const body = await reply.text();
      expect(reply.status).toBe(503);
      expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(readApiReply(route, body).errorType).toBe(
        route === "/v1/messages" ? "overloaded_error" : "server_error",
      );
      expect(reply.headers.get("x-trace-id")).toBe(caller.traceId);
      const spans = await traced.trace(caller.traceId);
      const { root } = assertWholeTrace(spans, { caller, route, chat: false, attempts: 0 });
      expect(root.attributes["http.response.status_code"]).toBe(503);
      expect(root.attributes["error.type"]).toBe("overloaded");
      expect(root.statusCode).toBe(2);
    }
  }
  expect(traced.provider.callCount()).toBe(1);
  const served = await held;
  expect(served.status).toBe(200);
  expect(readApiReply("/v1/messages", await served.text()).id).toBe("msg_00000001");
});

test("calls that come at once are no queue while threads have room for them", async () => {
  const roomy = await startTracedGateway({
    config: () => ({ pool: { threads: 1, calls_per_thread: 30, queue: 1 } }),
  });
  try {
    const answers = Array.from({ length: 30 }, async () => {
      const route = "/v1/chat/completions";
      const reply = await fetch(roomy.gateway.url + route, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: apiBody({ route, script: { delayMs: 500 } }),
      });
      await reply.arrayBuffer();
      return reply.status;
    });
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 30 }, () => 200));
  } finally {
    await roomy.stop();
  }
});
