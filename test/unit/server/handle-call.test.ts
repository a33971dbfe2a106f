import { describe, expect, test } from "bun:test";
import type { Config } from "../../../src/config/schema.ts";
import { GatewayError } from "../../../src/errors/gateway-error.ts";
import { createAuthenticator } from "../../../src/server/authenticate.ts";
import type { CallDeps } from "../../../src/server/call-deps.ts";
import type { CallReport } from "../../../src/server/call-report.ts";
import { handleCall, traceOf } from "../../../src/server/handle-call.ts";
import { createSpanWriter } from "../../../src/tracing/recorder/span-writer.ts";
import { routeOf, testTraceId } from "../../support/server-calls.ts";

const path = "/v1/chat/completions";
const body = JSON.stringify({ model: "m", messages: [] });

/** A door behind which nothing is: whatever gets through it is an error of the test. */
function door(changes: Partial<CallDeps> = {}, keys: Config["server"]["keys"] = []) {
  const reports: CallReport[] = [];
  const provider = { name: "main", api: "openai", baseUrl: "http://provider.test/v1" };
  const config = {
    server: { host: "127.0.0.1", keys, maxBodyBytes: 1000 },
    providers: [provider],
    guardrails: [],
    tracing: { replyWaitsFor: "nothing" },
  } as unknown as Config;
  const deps = {
    config,
    authenticator: createAuthenticator(keys),
    clock: () => 1_700_000_000_000,
    writer: createSpanWriter(),
    ids: {
      traceId: () => testTraceId,
      spanId: () => "00f067aa0ba902b7",
      callId: () => "00000000-0000-7000-8000-000000000001",
    },
    sampler: () => 1,
    refusals: { take: () => false },
    openCalls: {
      admit: () => {
        throw new GatewayError("overloaded", "through the door");
      },
      bug: (error: unknown) => {
        throw error;
      },
    },
    refusesNow: () => undefined,
    report: (report: CallReport) => void reports.push(report),
    ...changes,
  } as unknown as CallDeps;
  return { deps, reports };
}

async function knock(
  { deps, reports }: ReturnType<typeof door>,
  init: RequestInit & { readonly method?: string } = {},
): Promise<string> {
  const request = new Request(`http://127.0.0.1:4000${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: init.method === "GET" ? null : body,
    ...init,
  });
  const target = { pathname: path, search: "", hostname: "127.0.0.1", port: 4000 };
  await handleCall(request, { route: routeOf(path), target, host: null }, deps);
  expect(reports).toHaveLength(1);
  return reports[0]?.failure?.message ?? "";
}

describe("the door", () => {
  test("lets an ordinary call through", async () => {
    expect(await knock(door())).toBe("through the door");
  });

  test("asks for the key before anything else, and tells nobody without one what is wrong besides", async () => {
    const closed = door({ refusesNow: () => new GatewayError("draining", "shutting down") }, [
      { name: "a", key: "k" },
    ]);
    expect(await knock(closed, { body: "rubbish" })).toContain("no key was sent");
  });

  test("says that it takes no calls before it reads a body", async () => {
    const busy = door({ refusesNow: () => new GatewayError("overloaded", "the queue is full") });
    expect(await knock(busy, { body: "rubbish" })).toBe("the queue is full");
  });

  test("looks again once the body has come: that may have taken its time", async () => {
    let asked = 0;
    const refusesNow = () =>
      ++asked > 1 ? new GatewayError("draining", "shutting down") : undefined;
    expect(await knock(door({ refusesNow }))).toBe("shutting down");
  });

  test("names the methods, and what is wrong with a body", async () => {
    expect(await knock(door(), { method: "GET" })).toBe("use POST here");
    expect(await knock(door(), { body: "rubbish" })).toContain("not valid JSON");
  });
});

describe("a call's trace", () => {
  const source = { ids: door().deps.ids, sampler: () => 1 };

  test("is the caller's, with what it says of sampling decided once", () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    const trace = traceOf(new Headers({ traceparent, tracestate: "a=1" }), source);
    expect(trace).toEqual({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: 1,
      traceState: "a=1",
      isRemote: true,
    });
  });

  test("is a new one where the caller has none, or none that can be read", () => {
    for (const traceparent of ["", "00-0-0-0", `00-${"0".repeat(32)}-b7ad6b7169203331-01`]) {
      const trace = traceOf(new Headers({ traceparent, tracestate: "a=1" }), source);
      expect(trace).toMatchObject({ traceId: testTraceId, spanId: "", traceState: "" });
    }
  });
});
