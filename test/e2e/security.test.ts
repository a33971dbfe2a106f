// Closed by default: who is served, what of a call is written down anywhere, and where requests can go.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startScriptedProvider } from "../../src/demo/scripted-provider.ts";
import type { Script } from "../../src/demo/provider-script.ts";
import { apiBody, readApiReply, routes } from "../support/api-calls.ts";
import type { ApiRoute } from "../support/api-calls.ts";
import { startGatewayProcess } from "../support/gateway-process.ts";
import { rawPost } from "../support/raw-client.ts";
import { basicProviders, startTracedGateway, testKeys } from "../support/traced-gateway.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

/** What must be found nowhere: one of each, so that a find says where it leaked from. */
const secrets = {
  prompt: "secret-prompt-9d1e",
  reply: "secret-reply-31f0",
  query: "secret-query-77b2",
  header: "secret-header-c4c4",
  cookie: "secret-cookie-a5a5",
  providerError: "secret-error-e8e8",
  wrongKey: "secret-wrong-key-0f0f",
  system: "secret-system-6a6a",
  tool: "secret-tool-2b2b",
} as const;
const leaks = [...Object.values(secrets), ...Object.values(testKeys)];

const keys = [{ name: "team-a", key: testKeys.caller }];

describe("what is written down", () => {
  let traced: TracedGateway;
  beforeAll(async () => {
    traced = await startTracedGateway({ config: () => ({ server: { keys, max_body: "64KiB" } }) });
  });
  afterAll(() => traced?.stop());

  test("no key, prompt, reply, header or query string is in any span, log, metric or the ledger", async () => {
    const traceIds = await Promise.all(routes.flatMap((route) => callsWithSecrets(traced, route)));
    for (const traceId of traceIds) await traced.trace(traceId);
    const told = [
      ["stderr", traced.gateway.stderr()],
      ["stdout", traced.gateway.stdout()],
      ["metrics", await (await fetch(`${traced.gateway.url}/metrics`)).text()],
      ["ready", await (await fetch(`${traced.gateway.url}/readyz`)).text()],
      ...traced.receiver.requests.map(({ bytes, headers }) => [
        "export",
        Buffer.from(bytes).toString("latin1") + JSON.stringify(headers),
      ]),
      ...["ledger.db", "ledger.db-wal"].map((name) => [
        name,
        readFileSync(join(traced.gateway.folder, name)).toString("latin1"),
      ]),
    ] as const;
    for (const [where, text] of told) {
      for (const leak of leaks) {
        expect({ where, leak, found: text?.includes(leak) }).toEqual({ where, leak, found: false });
      }
    }
    // The test would see it: what may be told is there, in the export and in the ledger.
    const all = told.map(([, text]) => text).join("");
    for (const known of ["team-a", "gpt-4o-mini", "/v1/embeddings"]) expect(all).toContain(known);
  });

  test("a key that is not known is refused without a word of it", async () => {
    for (const [name, value] of [
      ["authorization", `Bearer ${secrets.wrongKey}`],
      ["x-api-key", secrets.wrongKey],
      ["authorization", `Basic ${secrets.wrongKey}`],
      ["authorization", `Bearer ${testKeys.caller}x`],
      ["authorization", `Bearer ${testKeys.caller.slice(0, -1)}`],
      ["x-none", ""],
    ] as const) {
      const reply = await post(traced, "/v1/messages", { [name]: value });
      expect(reply.status).toBe(401);
      expect(await reply.text()).not.toContain(secrets.wrongKey);
    }
  });

  test("either key header opens both routes, and the provider sees only its own key", async () => {
    for (const route of routes) {
      for (const header of ["authorization", "x-api-key"]) {
        const value = header === "authorization" ? `Bearer ${testKeys.caller}` : testKeys.caller;
        expect((await post(traced, route, { [header]: value })).status).toBe(200);
        const sent = JSON.stringify(traced.provider.requests.at(-1)?.headers);
        expect(sent).not.toContain(testKeys.caller);
        expect(sent).toContain(route === "/v1/messages" ? testKeys.anthropic : testKeys.openai);
      }
    }
  });

  test("a left-over key beside the right one does no harm", async () => {
    const both = { "x-api-key": "left-over", authorization: `Bearer ${testKeys.caller}` };
    expect((await post(traced, "/v1/messages", both)).status).toBe(200);
  });
});

describe("a flood of refused calls", () => {
  test("is traced only so far, and evicts no trace", async () => {
    // A gateway of its own: the flood uses up what refusals may be traced.
    const traced = await startTracedGateway({ config: () => ({ server: { keys } }) });
    const before = await post(traced, "/v1/messages", bearer());
    const refusals = Array.from({ length: 1500 }, () => post(traced, "/v1/messages", {}));
    for (const reply of await Promise.all(refusals)) expect(reply.status).toBe(401);
    const after = await post(traced, "/v1/messages", bearer());
    for (const reply of [before, after]) {
      expect(reply.status).toBe(200);
      const spans = await traced.trace(reply.headers.get("x-trace-id") ?? "");
      expect(spans.some(({ name }) => name.startsWith("chat "))).toBe(true);
    }
    const text = await (await fetch(`${traced.gateway.url}/metrics`)).text();
    const untraced = Number(/^everyspan_\w*untraced\w* (\d+)$/m.exec(text)?.[1]);
    expect(untraced).toBeGreaterThan(500);
    await traced.stop();
  });
});

/** One call of each kind that a secret could leak from; resolves with the trace ids. */
function callsWithSecrets(traced: TracedGateway, route: ApiRoute): Promise<string>[] {
  const scripts: Script[] = [
    {},
    { text: secrets.reply },
    { status: 400, body: JSON.stringify({ error: { message: secrets.providerError } }) },
    { status: 500, body: secrets.providerError },
    { text: secrets.reply, errorAfterChunks: 2 },
    { cutAfterChunks: 2 },
    { garbage: true },
  ];
  const send = async (url: string, init: RequestInit): Promise<string> => {
    const reply = await fetch(traced.gateway.url + url, {
      method: "POST",
      ...init,
      headers: {
        "content-type": "application/json",
        ...bearer(),
        "x-secret": secrets.header,
        cookie: `session=${secrets.cookie}`,
        baggage: `secret=${secrets.header}`,
        ...(init.headers as Record<string, string> | undefined),
      },
    });
    try {
      await reply.text();
    } catch {
      // A cut reply is one of the cases.
    }
    return reply.headers.get("x-trace-id") ?? "";
  };
  const path = `${route}?api_key=${secrets.query}`;
  const fields = { system: secrets.system, tools: [{ name: secrets.tool, input_schema: {} }] };
  const calls = scripts.flatMap((script) =>
    [false, true].map((stream) =>
      send(path, { body: apiBody({ route, stream, script, prompt: secrets.prompt, fields }) }),
    ),
  );
  const valid = apiBody({ route, prompt: secrets.prompt, fields });
  return [
    ...calls,
    send(path, { body: valid.slice(0, -2) }),
    send(path, { body: valid.replace('"model":', `"model":["${secrets.prompt}"],"x":`) }),
    send(path, { body: `"${secrets.prompt.repeat(8000)}"` }),
    send(path, { body: valid, headers: { authorization: `Bearer ${secrets.wrongKey}` } }),
    send(path, { body: valid, headers: { "content-type": `text/${secrets.header}` } }),
    send(`/v1/embeddings?key=${secrets.query}`, { body: `{"input":"${secrets.prompt}"}` }),
    send(`/v1/messages/count_tokens?key=${secrets.query}`, {
      body: apiBody({ route: "/v1/messages", prompt: secrets.prompt, fields }),
    }),
  ];
}

function bearer(): Record<string, string> {
  return { authorization: `Bearer ${testKeys.caller}` };
}

function post(
  traced: TracedGateway,
  route: ApiRoute,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  return fetch(traced.gateway.url + route, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: apiBody({ route }),
  });
}

describe("without keys, web pages", () => {
  let traced: TracedGateway;
  beforeAll(async () => {
    traced = await startTracedGateway();
  });
  afterAll(() => traced?.stop());

  const foreign: Record<string, string>[] = [
    { origin: "https://evil.example" },
    { origin: "http://evil.example:4000" },
    { origin: "null" },
    { origin: "http://127.0.0.1.evil.example" },
    { origin: "http://localhost.evil.example" },
    { origin: "file://" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "Cross-Site" },
    { "sec-fetch-site": "cross-site", origin: "http://localhost:3000" },
    // DNS rebinding: to the page this is its own origin.
    { host: "evil.example:4000" },
    { host: "evil.example:4000", origin: "http://evil.example:4000" },
  ];
  test.each(foreign)("of elsewhere are refused: %o", async (headers) => {
    const before = traced.provider.callCount();
    const read = ["/v1/models", "/metrics", "/readyz", "/healthz"];
    for (const path of [...routes, "/v1/embeddings", ...read]) {
      const isGet = read.includes(path);
      const reply = await fetch(traced.gateway.url + path, {
        method: isGet ? "GET" : "POST",
        headers: { "content-type": "application/json", ...headers },
        ...(!isGet && { body: apiBody({ route: "/v1/messages" }) }),
      });
      expect(reply.status).toBe(403);
      expect(readApiReply("/v1/messages", await reply.text()).errorType).toBeString();
      expect(reply.headers.get("access-control-allow-origin")).toBeNull();
    }
    expect(traced.provider.callCount()).toBe(before);
  });

  const own: Record<string, string>[] = [
    {},
    { origin: "http://localhost:3000" },
    { origin: "http://127.0.0.1:8080" },
    { origin: "http://[::1]:5173", "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "none" },
    { host: "localhost:4000" },
    { host: "gateway:4000" },
    { host: "host.docker.internal:4000" },
  ];
  test.each(own)("and programs of this machine are served: %o", async (headers) => {
    expect((await post(traced, "/v1/messages", headers)).status).toBe(200);
  });

  // The types that a browser sends anywhere without asking first (Fetch, CORS-safelisted).
  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])(
    "cannot post what they may send unasked: %p",
    async (type) => {
      const reply = await post(traced, "/v1/chat/completions", { "content-type": type });
      expect(reply.status).toBe(415);
      expect(await reply.text()).toContain("application/json");
      // On paths that are only passed on, files are still taken as files.
      const forwarded = await fetch(`${traced.gateway.url}/v1/responses`, {
        method: "POST",
        headers: { "content-type": type },
        body: "{}",
      });
      expect(forwarded.status === 415).toBe(type !== "multipart/form-data");
    },
  );
});

test("with keys, a caller that says nothing of the type is taken at its word", async () => {
  const traced = await startTracedGateway({ config: () => ({ server: { keys } }) });
  try {
    for (const type of ["", "application/x-www-form-urlencoded"]) {
      const headers = { ...bearer(), "content-type": type, origin: "https://app.example" };
      expect((await post(traced, "/v1/chat/completions", headers)).status).toBe(200);
    }
  } finally {
    await traced.stop();
  }
});

describe("where requests can go", () => {
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  test.each([301, 302, 303, 307, 308])(
    "a %d of a provider is followed by nobody",
    async (status) => {
      const elsewhere = startScriptedProvider();
      const redirecting = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        fetch: () =>
          new Response(null, { status, headers: { location: `${elsewhere.url}/v1/messages` } }),
      });
      const base = `http://127.0.0.1:${redirecting.port}`;
      const traced = await startTracedGateway({
        config: () => ({
          providers: {
            openai: { api: "openai", base_url: `${base}/v1`, api_key: testKeys.openai },
            anthropic: { api: "anthropic", base_url: base, api_key: testKeys.anthropic },
          },
        }),
      });
      stops.push(elsewhere.stop, () => redirecting.stop(true), traced.stop);
      for (const route of [...routes, "/v1/embeddings" as ApiRoute]) {
        // This client would follow.
        const reply = await post(traced, route, {});
        expect(reply.status).toBe(502);
        expect(reply.headers.get("location")).toBeNull();
        expect(await reply.text()).toContain("redirect");
      }
      expect(elsewhere.callCount()).toBe(0);
    },
  );

  test("no header or path of a caller chooses the provider's address", async () => {
    const provider = startScriptedProvider();
    const traced = await startTracedGateway({
      config: () => ({
        providers: {
          openai: { api: "openai", base_url: `${provider.url}/v1`, api_key: testKeys.openai },
        },
      }),
    });
    stops.push(provider.stop, traced.stop);
    const steering: [string, string][] = [
      ["x-forwarded-host", "evil.example"],
      ["forwarded", "host=evil.example"],
      ["x-original-url", "/admin"],
      ["x-base-url", "http://evil.example"],
      ["proxy-authorization", "Basic eA=="],
      ["connection", "host, x-kept, authorization"],
      ["x-kept", "1"],
      ["te", "trailers"],
      ["cookie", "a=b"],
    ];
    const url = `${traced.gateway.url}/v1/chat/completions`;
    const call = await rawPost(url, apiBody({ route: "/v1/chat/completions" }), steering);
    expect((await call.reply).status).toBe(200);
    const [request] = provider.requests;
    expect(request?.path).toBe("/v1/chat/completions");
    expect(request?.headers["host"]).toBe(new URL(provider.url).host);
    expect(request?.headers["authorization"]).toBe(`Bearer ${testKeys.openai}`);
    for (const name of [
      "x-forwarded-host",
      "forwarded",
      "proxy-authorization",
      "x-kept",
      "te",
      "cookie",
    ]) {
      expect([name, request?.headers[name]]).toEqual([name, undefined]);
    }
  });

  test("a header value cannot bring another header, on either side", async () => {
    const injected = "x-injected: yes";
    const answering = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) =>
        Response.json(
          { error: { message: "no", type: "x" } },
          { status: 400, headers: { "x-model": request.headers.get("x-echo") ?? "" } },
        ),
    });
    const base = `http://127.0.0.1:${answering.port}`;
    const traced = await startTracedGateway({
      config: () => ({
        providers: { openai: { api: "openai", base_url: `${base}/v1`, api_key: "k" } },
      }),
    });
    stops.push(() => answering.stop(true), traced.stop);
    const route = "/v1/chat/completions";
    const encoded = `a%0d%0a${injected}`;
    const call = await rawPost(
      traced.gateway.url + route,
      apiBody({ route, model: `m\r\n${injected}` }),
      [
        ["x-echo", encoded],
        ["x-session-id", encoded],
        ["baggage", `session.id=${encoded}`],
        ["tracestate", encoded],
      ],
    );
    const reply = await call.reply;
    expect(reply.status).toBe(400);
    expect(reply.headers["x-injected"]).toBeUndefined();
    expect(reply.headers["x-model"]).toBe(encoded);
  });
});

test("a host beyond the loopback wants keys, or to be told that it is meant", async () => {
  const provider = startScriptedProvider();
  const start = (server: Readonly<Record<string, unknown>>) =>
    startGatewayProcess({ config: { server, providers: basicProviders(provider) } });
  try {
    let said = "";
    try {
      await (await start({ host: "0.0.0.0" })).stop();
    } catch (error) {
      said = String(error);
    }
    expect(said).toContain("server.host");
    const gateway = await start({ host: "0.0.0.0", insecure: true });
    const { port } = new URL(gateway.url);
    const reachable = await waitFor(
      async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok,
      5000,
    );
    expect(reachable).toBe(true);
    await gateway.stop();
  } finally {
    provider.stop();
  }
});
