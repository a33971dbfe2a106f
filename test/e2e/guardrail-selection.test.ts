// Which guardrails run, what they are asked, and what of a request a mask changes.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apiBody } from "../support/api-calls.ts";
import { startGatewayProcess } from "../support/gateway-process.ts";
import { startGuardrailServer } from "../support/guardrail-server.ts";
import type { GuardrailServer } from "../support/guardrail-server.ts";
import { assertWholeTrace } from "../support/trace-assertions.ts";
import { startTracedGateway } from "../support/traced-gateway.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";

const ownKey = "sk-team-a";
let outside: TracedGateway;
let server: GuardrailServer;

beforeAll(async () => {
  server = startGuardrailServer("forbidden");
  outside = await startTracedGateway({
    config: () => ({
      pool: { threads: 1 },
      server: { keys: [{ name: "team-a", key: ownKey }] },
      guardrails: [
        {
          name: "keys",
          type: "pattern",
          modes: ["pre_call"],
          always: true,
          builtin: ["secrets"],
          action: "mask",
        },
        {
          name: "remote",
          type: "generic_api",
          url: `${server.url}/mask`,
          modes: ["pre_call", "post_call"],
          api_key: "guardrail-key",
          headers: { "x-own": "yes" },
          forward_headers: ["x-tenant"],
          additional_provider_specific_params: { level: 1, kept: true },
        },
      ],
    }),
  });
});
afterAll(async () => {
  await outside.stop();
  server.stop();
});

const secret = "AKIAIOSFODNN7EXAMPLE";

async function post(
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string; traceId: string }> {
  const response = await fetch(outside.gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": ownKey, ...headers },
    body,
  });
  const traceId = response.headers.get("x-trace-id") ?? "";
  return { status: response.status, body: await response.text(), traceId };
}

function sentFor(traceId: string): string {
  const found = outside.provider.requests.find(
    ({ headers }) => headers["traceparent"]?.includes(traceId) === true,
  );
  return found?.body ?? "";
}

describe("the choice", () => {
  test("an unknown name is refused with the known ones, by header and by body", async () => {
    const route = "/v1/messages";
    const byHeader = await post(route, apiBody({ route }), { "x-everyspan-guardrails": "nope" });
    const byBody = await post(route, apiBody({ route, fields: { guardrails: ["nope"] } }));
    for (const { status, body } of [byHeader, byBody]) {
      expect(status).toBe(400);
      expect(body).toContain("there is no guardrail `nope`; known: keys, remote");
    }
  });

  test("a caller cannot take away what always runs", async () => {
    for (const guardrails of [[], null, ["remote"], { remote: {} }]) {
      const route = "/v1/chat/completions";
      const { status, traceId } = await post(
        route,
        apiBody({ route, prompt: `use ${secret}`, fields: { guardrails } }),
      );
      expect(status).toBe(200);
      expect(sentFor(traceId)).toContain("use [aws_key]");
      expect(sentFor(traceId)).not.toContain("guardrails");
    }
  });

  test("a path that is only passed on is closed while one always runs", async () => {
    const { status, body, traceId } = await post(
      "/v1/embeddings",
      `{"model":"m","input":"${secret}"}`,
    );
    expect(status).toBe(400);
    expect(body).toContain("closed while a guardrail applies (keys)");
    assertWholeTrace(await outside.trace(traceId), { route: "/v1/*", chat: false, attempts: 0 });
    const models = await fetch(`${outside.gateway.url}/v1/models`, {
      headers: { "x-api-key": ownKey },
    });
    expect(models.status).toBe(200);
  });

  test("counting tokens is guarded before the call as well", async () => {
    const body = `{"model":"claude-haiku-4-5","guardrails":["keys"],"messages":[{"role":"user","content":"${secret}"}]}`;
    const { status, traceId } = await post("/v1/messages/count_tokens", body);
    expect(status).toBe(200);
    expect(sentFor(traceId)).toBe(
      '{"model":"claude-haiku-4-5","messages":[{"role":"user","content":"[aws_key]"}]}',
    );
    const spans = await outside.trace(traceId);
    expect(spans.filter(({ name }) => name === "apply_guardrail keys")).toHaveLength(1);
  });
});

describe("a mask of a request", () => {
  test("changes exactly the strings it is in, wherever they are", async () => {
    const body = `{ "model" : "claude-haiku-4-5", "max_tokens": 1e2, "x_big": 12345678901234567890,
  "system": [{"type":"text","text":"sys ${secret}","cache_control":{"type":"ephemeral"}}],
  "metadata": {"user_id": "u"}, "messages": [
   {"role":"user","content":"caf\\u00e9 ${secret} \\/ end"},
   {"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{"type":"${secret}","n":1.0}}]},
   {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"${secret}"}]},
     {"type":"document","source":{"type":"text","media_type":"text/plain","data":"${secret}"}},
     {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
     {"type":"text","text":"untouched \\u00fc"}]}],
  "tools": [{"name":"f","description":"d ${secret}","input_schema":{"type":"object","properties":{"p":{"type":"string","description":"${secret}"}}}}] }`;
    const { status, traceId } = await post("/v1/messages", body);
    expect(status).toBe(200);
    // The one string with escapes beside the key is written anew; all else is as it was.
    expect(sentFor(traceId)).toBe(
      body
        .replace(`"caf\\u00e9 ${secret} \\/ end"`, '"café [aws_key] / end"')
        .replaceAll(secret, "[aws_key]"),
    );
  });
});

describe("what a server is asked", () => {
  test("has every field of the API, and no secret that an earlier guardrail masked", async () => {
    const route = "/v1/messages";
    const { status } = await post(
      route,
      JSON.stringify({
        model: "claude-haiku-4-5",
        max_tokens: 9,
        system: "be nice",
        guardrails: { remote: { extra_body: { level: 2, topic: "birds" } } },
        metadata: { user_id: "user-42" },
        tools: [{ name: "f", description: "does f", input_schema: { type: "object" } }],
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: `key ${secret}` },
              { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
            ],
          },
          {
            role: "assistant",
            content: [{ type: "tool_use", id: "t", name: "f", input: { a: "b" } }],
          },
          { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "done" }] },
        ],
      }),
      { "x-tenant": "blue", "x-private": "no", "user-agent": "test/1" },
    );
    expect(status).toBe(200);
    const [request, response] = server.requests("/mask").slice(-2);
    expect(request?.headers.get("x-api-key")).toBe("guardrail-key");
    expect(request?.headers.get("x-own")).toBe("yes");
    expect(request?.body).toMatchObject({
      input_type: "request",
      texts: ["be nice", "does f", "key [aws_key]", "b", "done"],
      images: ["https://example.com/a.png"],
      tools: [
        {
          type: "function",
          function: { name: "f", description: "does f", parameters: { type: "object" } },
        },
      ],
      tool_calls: [{ id: "t", type: "function", function: { name: "f", arguments: '{"a":"b"}' } }],
      model: "claude-haiku-4-5",
      request_data: { user_api_key_alias: "team-a", user_api_key_end_user_id: "user-42" },
      additional_provider_specific_params: { level: 1, kept: true, topic: "birds" },
    });
    expect(request?.body["request_headers"]).toMatchObject({
      "x-tenant": "blue",
      "x-private": "[present]",
      "user-agent": "test/1",
    });
    expect(JSON.stringify(request?.body)).not.toContain(secret);
    expect(request?.body["structured_messages"]).toMatchObject([
      { role: "system", content: "be nice" },
      { role: "user", content: "key [aws_key]" },
      { role: "assistant", tool_calls: [{ id: "t" }] },
      { role: "tool", tool_call_id: "t", content: "done" },
    ]);
    expect(response?.body["input_type"]).toBe("response");
  });
});

describe("a pattern that could hang a thread", () => {
  test("ends the start with exit code 2 and says where and why", async () => {
    const message = await startGatewayProcess({
      config: {
        guardrails: [
          {
            name: "slow",
            type: "pattern",
            modes: ["pre_call"],
            patterns: [{ name: "evil", regex: "(a+)+$" }],
          },
        ],
      },
    }).then(
      () => "started",
      (error: unknown) => (error instanceof Error ? error.message + String(error.cause) : ""),
    );
    expect(message).toContain("guardrails[0].patterns[0].regex: must not be able to backtrack");
    expect(message).toContain("repeats a repeat");
    expect(message).toContain("exited with 2");
  });
});

describe("a module that does not load", () => {
  test("ends the start with exit code 2, before anything listens", async () => {
    const folder = mkdtempSync(join(tmpdir(), "everyspan-module-"));
    writeFileSync(join(folder, "broken.ts"), "export default { chekc() {} };");
    const started = startGatewayProcess({
      folder,
      config: {
        guardrails: [{ name: "broken", type: "module", path: "./broken.ts", modes: ["pre_call"] }],
      },
    });
    const message = await started.then(
      () => "started",
      (error: unknown) => (error instanceof Error ? error.message + String(error.cause) : ""),
    );
    expect(message).toContain("guardrails[0].path: has no check");
    expect(message).toContain("exited with 2");
    rmSync(folder, { recursive: true, force: true });
  });
});
