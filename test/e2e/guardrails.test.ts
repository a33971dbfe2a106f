// Every stage, every outcome, both routes, plain and streamed, with and without metadata: a whole tree with
// the guardrail's span in it. One gateway; each call names the guardrail that it wants.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Script } from "../../src/demo/provider-script.ts";
import { apiBody, readApiReply, routes } from "../support/api-calls.ts";
import type { ApiRoute, MetadataCase } from "../support/api-calls.ts";
import { startGuardrailServer } from "../support/guardrail-server.ts";
import type { GuardrailServer } from "../support/guardrail-server.ts";
import { assertWholeTrace, kinds } from "../support/trace-assertions.ts";
import { startTracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";

const stages = ["pre_call", "during_call", "post_call"] as const;
type Stage = (typeof stages)[number];

const outcomes = [
  "allow",
  "block",
  "mask",
  "fail-closed",
  "fail-open",
  "timeout",
  "unreachable",
] as const;
type Outcome = (typeof outcomes)[number];

const word = "forbidden";
const prompt = `say the ${word} thing`;
const replyText = `this is a long enough reply with the ${word} word and with many others behind it, so that it has windows`;

let outside: TracedGateway;
let server: GuardrailServer;

beforeAll(async () => {
  server = startGuardrailServer(word);
  outside = await startTracedGateway({
    provider: { script: () => ({ text: replyText, chunks: 12, chunkDelayMs: 0 }) },
    config: () => ({
      pool: { threads: 2 },
      guardrails: [
        ...stages.flatMap((stage) => outcomes.map((outcome) => guardrail(stage, outcome))),
        {
          name: "pre_call.slow",
          type: "generic_api",
          url: `${server.url}/slow`,
          modes: ["pre_call"],
          timeout: "60s",
        },
        {
          name: "during_call.gate",
          type: "generic_api",
          url: `${server.url}/gate`,
          modes: ["during_call"],
          timeout: "60s",
        },
      ],
    }),
  });
});
afterAll(async () => {
  await outside.stop();
  server.stop();
});

function guardrail(stage: Stage, outcome: Outcome): Record<string, unknown> {
  const paths: Record<Outcome, string> = {
    allow: "/allow",
    block: "/block",
    mask: "/mask",
    "fail-closed": "/error",
    "fail-open": "/error",
    timeout: "/slow",
    unreachable: "",
  };
  // Port 9 is "discard", where nobody listens.
  const url = outcome === "unreachable" ? "http://127.0.0.1:9" : server.url + paths[outcome];
  return {
    name: `${stage}.${outcome}`,
    type: "generic_api",
    url,
    modes: [stage],
    on_error: outcome === "fail-open" ? "allow" : "block",
    timeout: outcome === "timeout" ? "60ms" : "5s",
  };
}

interface Expected {
  readonly status: number;
  readonly verdict: string;
  readonly guardrailError?: string;
  readonly chatError?: string;
  readonly attempts?: number;
}

function expected(stage: Stage, outcome: Outcome): Expected {
  const attempts =
    stage === "pre_call" ? { attempts: 0 } : stage === "post_call" ? { attempts: 1 } : {};
  const refused = { status: 503, verdict: "failed", chatError: "guardrail_failed", ...attempts };
  const blocked = { status: 400, verdict: "block", chatError: "guardrail_blocked", ...attempts };
  switch (outcome) {
    case "allow":
      return { status: 200, verdict: "allow", attempts: 1 };
    case "block":
      return blocked;
    case "mask":
      // Beside the provider call nothing can be rewritten any more.
      return stage === "during_call" ? blocked : { status: 200, verdict: "mask", attempts: 1 };
    case "fail-closed":
      return { ...refused, guardrailError: "error" };
    case "fail-open":
      return { status: 200, verdict: "failed", guardrailError: "error", attempts: 1 };
    case "timeout":
      return { ...refused, guardrailError: "timeout" };
    case "unreachable":
      return { ...refused, guardrailError: "unreachable" };
  }
}

interface Sent {
  readonly response: Response;
  readonly body: string;
  readonly traceId: string;
}

async function send(
  route: ApiRoute,
  name: string,
  options: { readonly stream: boolean; readonly metadata: MetadataCase },
): Promise<Sent> {
  const response = await fetch(outside.gateway.url + route, {
    method: "POST",
    headers: { "content-type": "application/json", "x-everyspan-guardrails": name },
    body: apiBody({ route, prompt, ...options }),
  });
  const body = await response.text();
  return { response, body, traceId: response.headers.get("x-trace-id") ?? "" };
}

for (const route of routes) {
  for (const stage of stages) {
    describe(`${stage} on ${route}`, () => {
      for (const outcome of outcomes) {
        test(`${outcome}: plain and streamed, with and without metadata`, async () => {
          const name = `${stage}.${outcome}`;
          const cases = [true, false].flatMap((stream) =>
            (["absent", "user_id"] as const).map((metadata) => ({ stream, metadata })),
          );
          const all = await Promise.all(cases.map((options) => send(route, name, options)));
          for (const sent of all) await verify(sent, { route, stage, outcome });
        });
      }
    });
  }
}

describe("a verdict beside the provider call", () => {
  function call(route: ApiRoute, name: string, script: Script, stream: boolean): RequestInit {
    return {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-everyspan-guardrails": name,
        "x-script": JSON.stringify(script),
      },
      body: apiBody({ route, stream }),
    };
  }

  test.each(routes)(
    "that blocks does not wait for the provider, and cancels it: %s",
    async (route) => {
      for (const stream of [false, true]) {
        const script = { text: "late", delayMs: 20_000 };
        const init = call(route, "during_call.block", script, stream);
        const response = await fetch(outside.gateway.url + route, init);
        expect(response.status).toBe(400);
        await response.text();
        const traceId = response.headers.get("x-trace-id") ?? "";
        const sent = outside.provider.requests.find(
          ({ headers }) => headers["traceparent"]?.includes(traceId) === true,
        );
        // It may have been cancelled before it even arrived.
        if (sent !== undefined)
          await waitFor(() => sent.aborted, 5000, "the provider being cancelled");
      }
    },
  );

  test("is awaited before any byte of the reply leaves, its head included", async () => {
    const script = { text: "ready", chunks: 1 };
    const sentBefore = outside.provider.requests.length;
    let answered = 0;
    const replies = routes.flatMap((route) =>
      [false, true].map(async (stream) => {
        const init = call(route, "during_call.gate", script, stream);
        const response = await fetch(outside.gateway.url + route, init);
        answered++;
        return { status: response.status, body: await response.text() };
      }),
    );
    const sent = (): typeof outside.provider.requests =>
      outside.provider.requests.slice(sentBefore);
    await waitFor(
      () => sent().length === 4 && sent().every(({ ended }) => ended),
      5000,
      "the provider's replies",
    );
    await waitFor(() => server.requests("/gate").length === 4, 5000, "all at the gate");
    // Nothing tells when a byte does not leave: give it the time that it would need.
    await Bun.sleep(50);
    expect(answered).toBe(0);
    server.openGate();
    for (const { status, body } of await Promise.all(replies)) {
      expect(status).toBe(200);
      expect(body).toContain("ready");
    }
  });
});

describe("a client that leaves while a guardrail is asked", () => {
  test.each(routes)("leaves a whole tree that says so: %s", async (route) => {
    const controller = new AbortController();
    const session = `left-${route}`;
    const asked = server.requests("/slow").length;
    const running = fetch(outside.gateway.url + route, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-everyspan-guardrails": "pre_call.slow",
        "x-session-id": session,
      },
      body: apiBody({ route }),
      signal: controller.signal,
    });
    await waitFor(() => server.requests("/slow").length > asked, 5000, "the guardrail being asked");
    controller.abort();
    expect(running).rejects.toThrow();
    const tree = assertWholeTrace(await outside.traceOfSession(session), {
      route,
      chat: true,
      attempts: 0,
      guardrails: 1,
    });
    expect(tree.guardrails[0]?.attributes["everyspan.guardrail.verdict"]).toBe("cancelled");
    expect(tree.chat?.attributes["everyspan.client_disconnected"]).toBe(true);
  });
});

async function verify(
  { response, body, traceId }: Sent,
  { route, stage, outcome }: { route: ApiRoute; stage: Stage; outcome: Outcome },
): Promise<void> {
  const want = expected(stage, outcome);
  expect(response.status).toBe(want.status);
  const tree = assertWholeTrace(await outside.trace(traceId), {
    route,
    chat: true,
    guardrails: 1,
    ...(want.attempts === undefined ? {} : { attempts: want.attempts }),
  });
  const span = tree.guardrails[0]!;
  expect(span.name).toBe(`apply_guardrail ${stage}.${outcome}`);
  expect(span.kind).toBe(kinds.client);
  expect(span.attributes["everyspan.guardrail.stage"]).toBe(stage);
  expect(span.attributes["everyspan.guardrail.verdict"]).toBe(want.verdict);
  expect(span.attributes["error.type"]).toBe(want.guardrailError);
  expect(tree.chat?.attributes["error.type"]).toBe(want.chatError);
  const spans = JSON.stringify([...tree.guardrails, tree.chat, tree.root].map(shown));
  expect(spans).not.toContain(word);

  if (want.status !== 200) {
    expect(body).toContain(`${stage}.${outcome}`);
    expect(readApiReply(route, body).errorType).toBe(errorType(route, want.status));
    return;
  }
  const reply = readApiReply(route, body);
  const isMaskedReply = stage === "post_call" && outcome === "mask";
  expect(reply.text).toBe(isMaskedReply ? replyText.replace(word, "[gone]") : replyText);
  if (stage === "pre_call" && outcome === "mask") {
    expect(body).not.toBe("");
    const request = outside.provider.requests.find(
      ({ headers }) => headers["traceparent"]?.includes(traceId) === true,
    );
    expect(request?.body).toContain("say the [gone] thing");
    expect(request?.body).not.toContain(word);
  }
}

function errorType(route: ApiRoute, status: number): string {
  if (route === "/v1/messages") return status === 400 ? "invalid_request_error" : "api_error";
  return status === 400 ? "invalid_request_error" : "server_error";
}

function shown(span: unknown): string {
  return JSON.stringify(span, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
}
