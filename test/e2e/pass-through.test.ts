// Same format in and out is passed through byte for byte: what everyspan does not have to change, it does
// not change, in requests, replies, streams and headers.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { apiBody, routes } from "../support/api-calls.ts";
import type { ApiRoute } from "../support/api-calls.ts";
import { rawPost } from "../support/raw-client.ts";
import { startTracedGateway, testKeys } from "../support/traced-gateway.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";
import type { Script } from "../../src/demo/provider-script.ts";

let traced: TracedGateway;
beforeAll(async () => {
  traced = await startTracedGateway();
});
afterAll(async () => {
  await traced?.stop();
});

/** Odd on purpose: order, spaces, a number no double holds, escapes, a key that comes twice in a part. */
function oddBody(route: ApiRoute, model: string): string {
  const tokens = route === "/v1/messages" ? `"max_tokens" : 64 ,\n` : "";
  return (
    `{ "z_last":12345678901234567890123, ${tokens}"messages":[{"role":"user","content":"Z\\u00fcrich ü \\ud83d\\uddfc"}],\r\n` +
    `\t"model":"${model}","x_vendor":{"b":1.0,"a":1e2,"c":-0},"metadata":{"user_id":"user-1"}  }\n`
  );
}

async function post(
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(traced.gateway.url + path, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** The same body, asked of the provider itself. Ids and counts are the call's own, so digits are levelled. */
async function direct(route: ApiRoute, body: string): Promise<string> {
  const headers = { "content-type": "application/json" };
  const reply = await fetch(traced.provider.url + route, { method: "POST", body, headers });
  return levelled(await reply.text());
}

function levelled(text: string): string {
  return text.replaceAll(/\d+/g, "0");
}

describe("requests", () => {
  test.each([...routes])("%s: an odd body arrives as it was sent", async (route) => {
    const body = oddBody(route, route === "/v1/messages" ? "claude-haiku-4-5" : "gpt-4o-mini");
    expect((await post(route, body)).status).toBe(200);
    expect(traced.provider.requests.at(-1)?.body).toBe(body);
  });

  test("a message stream's request arrives as it was sent", async () => {
    const body = apiBody({ route: "/v1/messages", stream: true, metadata: "user_id" });
    await (await post("/v1/messages", body)).text();
    expect(traced.provider.requests.at(-1)?.body).toBe(body);
  });

  test("a chat stream's request has only its stream_options added", async () => {
    const body = `{"model":"gpt-4o-mini","stream":true,"n_big":12345678901234567890,"messages":[]}`;
    await (await post("/v1/chat/completions", body)).text();
    const sent = traced.provider.requests.at(-1);
    expect(sent?.json).toMatchObject({ stream_options: { include_usage: true } });
    const without = sent?.body.replace(/,?"stream_options":\{"include_usage":true\}/, "");
    expect(without).toBe(body);
  });

  test("a caller's include_usage: false is put right, its other options kept", async () => {
    const options = `{"include_usage":false,"include_obfuscation":false}`;
    const body = `{"model":"gpt-4o-mini","stream":true,"stream_options":${options},"messages":[]}`;
    const text = await (await post("/v1/chat/completions", body)).text();
    expect(traced.provider.requests.at(-1)?.json).toMatchObject({
      stream_options: { include_usage: true, include_obfuscation: false },
    });
    expect(text).not.toContain("usage");
  });

  test("headers: the API's own go on; hop-by-hop and the caller's context stay", async () => {
    await post("/v1/messages", apiBody({ route: "/v1/messages" }), {
      "anthropic-version": "2026-10-21",
      "anthropic-beta": "a,b",
      "openai-organization": "org-1",
      "x-api-key": "sk-from-the-caller",
      baggage: "tenant=7",
      te: "trailers",
    });
    const { headers } = traced.provider.requests.at(-1)!;
    expect(headers["anthropic-version"]).toBe("2026-10-21");
    expect(headers["anthropic-beta"]).toBe("a,b");
    expect(headers["openai-organization"]).toBe("org-1");
    expect(headers["x-api-key"]).toBe(testKeys.anthropic);
    expect(headers["baggage"]).toBeUndefined();
    expect(headers["te"]).toBeUndefined();
  });

  test("the paths without /v1 work too", async () => {
    for (const route of routes) {
      expect((await post(route.slice(3), apiBody({ route }))).status).toBe(200);
      expect(traced.provider.requests.at(-1)?.path).toBe(route);
    }
  });

  test("other paths under /v1 go on, query and bytes included", async () => {
    const reply = await post("/v1/audio/odd?x=1&y=a%20b", "\u0000 no json", {
      "content-type": "application/octet-stream",
    });
    expect(await reply.json()).toEqual({
      method: "POST",
      path: "/v1/audio/odd?x=1&y=a%20b",
      body: "\u0000 no json",
    });
    const spans = await traced.trace(reply.headers.get("x-trace-id") ?? "");
    expect(spans.some((span) => span.name.startsWith("chat"))).toBe(false);
    expect(spans.map((span) => span.kind).toSorted((a, b) => a - b)).toEqual([1, 1, 2, 3]);
  });

  test("a path that is none of ours is a 404 in the API's shape, with a trace id", async () => {
    const reply = await post("/nothing/here", "{}");
    expect(reply.status).toBe(404);
    expect(reply.headers.get("x-trace-id")).toMatch(/^[0-9a-f]{32}$/);
    expect(await reply.json()).toHaveProperty("error.message");
  });
});

describe("replies", () => {
  const odd = `{ "id" : "chatcmpl-x", "usage":{"prompt_tokens":1}, "big":12345678901234567890, "é":"\\u00e9" }\n`;

  test.each([...routes])("%s: a plain body arrives as the provider gave it", async (route) => {
    const headers = { "x-request-id": "req-1", "x-ratelimit-reset": "7", "x-odd": "kept" };
    const reply = await post(route, apiBody({ route, script: { body: odd, headers } }));
    expect(await reply.text()).toBe(odd);
    for (const [name, value] of Object.entries(headers)) {
      expect(reply.headers.get(name)).toBe(value);
    }
  });

  const loud: Script = { crlf: true, comments: true, unknownEvents: true };
  const scripts: readonly [string, Script][] = [
    ["plain", {}],
    ["CRLF, comments and unknown events", loud],
    ["split at every byte", { text: "Zürich 東京 🗼", splitBytes: 1, chunkDelayMs: 0 }],
    ["garbage", { garbage: true }],
    ["without usage", { omitUsage: true }],
  ];
  test.each(
    routes.flatMap((route) => scripts.map(([name, script]) => [route, name, script] as const)),
  )("%s: a stream arrives as the provider gave it (%s)", async (route, _, script) => {
    const body = apiBody({ route, stream: true, script });
    const reply = await post(route, body);
    expect(reply.headers.get("content-type")).toStartWith("text/event-stream");
    expect(levelled(await reply.text())).toBe(await direct(route, body));
  });

  test("a stream is decided by the reply: JSON to a stream request stays JSON", async () => {
    const headers = { "content-type": "application/json" };
    for (const route of routes) {
      const script = { body: odd, headers };
      const reply = await post(route, apiBody({ route, stream: true, script }));
      expect(reply.headers.get("content-type")).toContain("application/json");
      expect(await reply.text()).toBe(odd);
    }
  });

  test("the reply is framed whole for a client that knows HTTP only", async () => {
    for (const stream of [false, true]) {
      const call = { route: "/v1/messages", stream } as const;
      const posted = await rawPost(traced.gateway.url + call.route, apiBody(call));
      const reply = await posted.reply;
      expect(reply.complete).toBe(true);
      expect(reply.headers["x-trace-id"]).toMatch(/^[0-9a-f]{32}$/);
    }
  });
});
