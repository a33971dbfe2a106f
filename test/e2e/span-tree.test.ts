// The contract of the span tree, from outside: every route, plain and streaming, with and without a native
// metadata field, under any kind of caller, however the call goes. The spans are the assertion.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ReceivedSpan } from "../../src/demo/received-span.ts";
import type { Script } from "../../src/demo/provider-script.ts";
import { callOfResponseId, usageOfCall } from "../../src/demo/provider-usage.ts";
import { apiBody, readApiReply, routes } from "../support/api-calls.ts";
import type { ApiCall, ApiRoute, MetadataCase } from "../support/api-calls.ts";
import { assertWholeTrace } from "../support/trace-assertions.ts";
import type { CallTree } from "../support/trace-assertions.ts";
import {
  callerTraceState,
  malformedTraceparents,
  newCallerSpan,
  type CallerSpan,
} from "../support/trace-context.ts";
import { basicProviders, startTracedGateway, testKeys } from "../support/traced-gateway.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

const promptCanary = "prompt-canary-7f3a";
const errorStatus = 2;

interface Combination {
  readonly route: ApiRoute;
  readonly stream: boolean;
  readonly metadata: MetadataCase;
  readonly caller: CallerSpan | undefined;
  /** What is sent in place of a caller's context. */
  readonly malformed: string | undefined;
  /** Unique: found again on every span. */
  readonly session: string;
}

interface Outcome {
  readonly reply: Response;
  readonly body: string;
  readonly tree: CallTree;
  readonly spans: readonly ReceivedSpan[];
}

let traced: TracedGateway;

beforeAll(async () => {
  traced = await startTracedGateway({
    config: (provider) => ({
      server: { max_body: "64KiB", keys: [{ name: "team-a", key: testKeys.caller }] },
      providers: {
        ...basicProviders(provider),
        "openai-hasty": { api: "openai", base_url: `${provider.url}/v1`, timeout: "300ms" },
        "anthropic-hasty": { api: "anthropic", base_url: provider.url, timeout: "300ms" },
      },
      models: [
        { name: "gpt-4o-mini", provider: "openai" },
        { name: "claude-haiku-4-5", provider: "anthropic" },
        { name: "hasty-gpt", provider: "openai-hasty", model: "gpt-4o-mini" },
        { name: "hasty-claude", provider: "anthropic-hasty", model: "claude-haiku-4-5" },
      ],
    }),
  });
});
afterAll(async () => {
  await traced?.stop();
});

function combinations(): Combination[] {
  let n = 0;
  return routes.flatMap((route) =>
    [false, true].flatMap((stream) =>
      (["absent", "user_id", "empty"] as const).flatMap((metadata) =>
        (["caller", "none", "malformed"] as const).map((context) => ({
          route,
          stream,
          metadata,
          caller: context === "caller" ? newCallerSpan() : undefined,
          malformed:
            context === "malformed"
              ? malformedTraceparents[n++ % malformedTraceparents.length]
              : undefined,
          session: crypto.randomUUID(),
        })),
      ),
    ),
  );
}

/** Runs all 36 combinations at once; a failure names the one that failed. */
async function forAll(check: (combination: Combination) => Promise<void>): Promise<void> {
  const cases = combinations();
  const results = await Promise.allSettled(cases.map(check));
  const failures = results.flatMap((result, at) => {
    if (result.status === "fulfilled") return [];
    const { route, stream, metadata, caller, malformed } = cases[at]!;
    const context = caller === undefined ? (malformed ?? "no traceparent") : "caller";
    const name = `${route} ${stream ? "stream" : "plain"}, metadata ${metadata}, ${context}`;
    return [`${name}: ${reasonOf(result.reason)}`];
  });
  if (failures.length > 0) {
    throw new Error(
      `${failures.length} of ${cases.length} failed:\n\n${failures.slice(0, 3).join("\n\n")}`,
    );
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const line = error.stack?.split("\n").find((text) => text.includes("span-tree.test.ts:"));
  return `${error.message} ${line?.trim() ?? ""}`;
}

function send(
  combination: Combination,
  call: Partial<ApiCall> = {},
  init: { body?: string; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  const { route, stream, metadata, caller, malformed, session } = combination;
  return fetch(traced.gateway.url + route, {
    method: "POST",
    body:
      init.body ??
      apiBody({ route, stream, metadata, ...call, prompt: `${promptCanary} ${session}` }),
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${testKeys.caller}`,
      "x-session-id": session,
      ...(malformed === undefined ? {} : { traceparent: malformed, tracestate: "lost=1" }),
      ...caller?.headers,
      ...init.headers,
    },
    ...(init.signal === undefined ? {} : { signal: init.signal }),
  });
}

/** Sends, reads to the end, and checks what holds for every reply and every tree. */
async function run(
  combination: Combination,
  expected: { script?: Script; model?: string; body?: string; headers?: Record<string, string> } & {
    chat?: boolean;
    attempts: number;
  },
): Promise<Outcome> {
  const { script, model, body, headers } = expected;
  const reply = await send(
    combination,
    { ...(script === undefined ? {} : { script }), ...(model === undefined ? {} : { model }) },
    { ...(body === undefined ? {} : { body }), ...(headers === undefined ? {} : { headers }) },
  );
  const text = await reply.text();
  const traceId = reply.headers.get("x-trace-id") ?? "";
  expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  const spans = await traced.trace(traceId);
  const chat = expected.chat ?? true;
  const tree = checkTree(combination, spans, { chat, attempts: expected.attempts });
  expect(tree.root.attributes["http.response.status_code"]).toBe(reply.status);
  expect(tree.root.attributeTypes["http.response.status_code"]).toBe("int");
  return { reply, body: text, tree, spans };
}

function checkTree(
  combination: Combination,
  spans: readonly ReceivedSpan[],
  expected: { chat: boolean; attempts: number },
): CallTree {
  const { caller, route, session } = combination;
  const tree = assertWholeTrace(spans, {
    ...(caller === undefined ? {} : { caller }),
    ...expected,
    route,
  });
  expect(tree.root.attributes["http.route"]).toBe(route);
  for (const span of spans) {
    expect(span.attributes["session.id"]).toBe(session);
    expect(span.traceState).toBe(caller === undefined ? "" : callerTraceState);
    expect(span.flags & 1).toBe(1);
    if (span !== tree.chat) {
      const own = Object.keys(span.attributes).filter((name) =>
        /^gen_ai\.(usage|response|request)\./.test(name),
      );
      expect(own).toEqual([]);
    }
  }
  checkProviderSide(combination, tree);
  return tree;
}

/** G9: each attempt's own context reached the provider, and the caller's metadata untouched. */
function checkProviderSide({ session, metadata, caller }: Combination, tree: CallTree): void {
  const requests = traced.provider.requests.filter((request) => request.body.includes(session));
  expect(requests.length).toBe(tree.attempts.length);
  for (const [at, request] of requests.entries()) {
    const attempt = tree.attempts[at]!;
    const context = `00-${attempt.traceId}-${attempt.spanId}-`;
    expect(request.headers["traceparent"]).toStartWith(context);
    expect(request.headers["tracestate"]).toBe(
      caller === undefined ? undefined! : callerTraceState,
    );
    const sent = { absent: undefined, user_id: { user_id: "user-42" }, empty: {} }[metadata];
    expect(request.json?.["metadata"]).toEqual(sent!);
    expect(JSON.stringify(request.headers)).not.toContain(testKeys.caller);
    if (at > 0) expect(attempt.attributes["http.request.resend_count"]).toBe(at);
    else expect(attempt.attributes["http.request.resend_count"]).toBeUndefined();
  }
}

function expectUsage(outcome: Outcome, route: ApiRoute): void {
  const said = readApiReply(route, outcome.body);
  const usage = usageOfCall(callOfResponseId(said.id ?? "") ?? -1);
  expect(outcome.tree.chat?.attributes).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.response.id": said.id!,
    "gen_ai.usage.input_tokens": usage.inputTokens,
    "gen_ai.usage.output_tokens": usage.outputTokens,
    "gen_ai.usage.cache_read.input_tokens": usage.cachedTokens,
    "gen_ai.usage.cache_write.input_tokens": usage.cacheWriteTokens,
    "gen_ai.usage.reasoning.output_tokens": usage.reasoningTokens,
    "gen_ai.response.finish_reasons": [route === "/v1/messages" ? "end_turn" : "stop"],
  });
  expect(said.inputTokens).toBe(usage.inputTokens);
}

function expectFailed(tree: CallTree): void {
  for (const span of [tree.chat, tree.attempts.at(-1)]) {
    expect(span?.statusCode).toBe(errorStatus);
    expect(span?.attributes["error.type"]).toBeString();
  }
}

describe("a call that goes well", () => {
  test("has one whole tree, its own usage and response id", () =>
    forAll(async (combination) => {
      const outcome = await run(combination, { attempts: 1 });
      expect(outcome.reply.status).toBe(200);
      expectUsage(outcome, combination.route);
      const { chat, root, attempts, auth } = outcome.tree;
      for (const span of [chat, root, attempts[0]]) {
        expect(span?.statusCode).toBe(0);
        expect(span?.attributes["error.type"]).toBeUndefined();
      }
      expect(auth.attributes["everyspan.key.name"]).toBe("team-a");
      expect(attempts[0]?.attributes["http.response.status_code"]).toBe(200);
      const first = "gen_ai.response.time_to_first_chunk";
      expect(chat?.attributeTypes[first]).toBe(combination.stream ? "double" : undefined!);
      expect(chat?.attributes["gen_ai.request.stream"]).toBe(combination.stream ? true : undefined);
      if (combination.route === "/v1/messages" && combination.metadata === "user_id") {
        expect(root.attributes["user.id"]).toBe("user-42");
      }
    }));

  test("retried after a 429 has two attempts, and no error on the call", () =>
    forAll(async (combination) => {
      const headers = { "retry-after": "0" };
      const script = { failFirst: { times: 1, status: 429, headers } };
      const outcome = await run(combination, { script, attempts: 2 });
      expect(outcome.reply.status).toBe(200);
      expectUsage(outcome, combination.route);
      const [first, second] = outcome.tree.attempts;
      expect(first?.attributes["error.type"]).toBe("429");
      expect(first?.statusCode).toBe(errorStatus);
      expect(second?.statusCode).toBe(0);
      expect(outcome.tree.chat?.statusCode).toBe(0);
      expect(outcome.tree.chat?.attributes["error.type"]).toBeUndefined();
    }));
});

describe("a provider that fails", () => {
  test("with an error of its own: passed on as it came, and said by the spans", () =>
    forAll(async (combination) => {
      const script = { status: 400, headers: { "x-should-retry": "false" } };
      const { reply, body, tree } = await run(combination, { script, attempts: 1 });
      expect(reply.status).toBe(400);
      expect(body).toContain("scripted 400");
      expect(reply.headers.get("x-should-retry")).toBe("false");
      expectFailed(tree);
      expect(tree.chat?.attributes["error.type"]).toBe("400");
      expect(tree.root.statusCode).toBe(0);
    }));

  test("again and again: every attempt has its span", () =>
    forAll(async (combination) => {
      const script = { status: 503, headers: { "retry-after": "0" } };
      const { reply, tree } = await run(combination, { script, attempts: 3 });
      expect(reply.status).toBe(503);
      expectFailed(tree);
      expect(tree.root.statusCode).toBe(errorStatus);
    }));

  test("by dropping the connection before a byte: tried again, then a 502", () =>
    forAll(async (combination) => {
      const script = { cutBeforeHeaders: true };
      const { reply, body, tree } = await run(combination, { script, attempts: 3 });
      expect(reply.status).toBe(502);
      expect(readApiReply(combination.route, body).errorType).toBeString();
      expectFailed(tree);
      expect(tree.root.statusCode).toBe(errorStatus);
    }));

  test("after its status line, before a byte of the body", () =>
    forAll(async (combination) => {
      const script = { cutAfterChunks: 0 };
      const { reply, body, tree } = await run(combination, { script, attempts: 1 });
      expect(reply.status).toBe(combination.stream ? 200 : 502);
      expect(readApiReply(combination.route, body).errorType).toBeString();
      expectFailed(tree);
      expect(tree.chat?.attributes["error.type"]).toBe("provider_cut");
    }));

  test("in mid-stream, or in the middle of a plain body", () =>
    forAll(async (combination) => {
      // Paced: what arrives together with the cut may be lost to the cut.
      const script = { chunks: 20, cutAfterChunks: 5, chunkDelayMs: 20 };
      const { reply, body, tree } = await run(combination, { script, attempts: 1 });
      const said = readApiReply(combination.route, body);
      expect(reply.status).toBe(combination.stream ? 200 : 502);
      expect(said.errorType).toBeString();
      expect(said.ended).toBe(false);
      if (combination.stream) {
        expect(said.text).not.toBe("");
        expect(tree.chat?.attributes["gen_ai.response.id"]).toBe(said.id!);
      }
      expectFailed(tree);
      expect(tree.chat?.attributes["error.type"]).toBe("provider_cut");
    }));

  test("by ending its stream in order, but without the end", () =>
    forAll(async (combination) => {
      if (!combination.stream) return;
      const { body, tree } = await run(combination, { script: { omitDone: true }, attempts: 1 });
      // OpenAI-compatible servers are known to leave [DONE] out: whole if it had its finish reason.
      if (combination.route === "/v1/chat/completions" && tree.chat?.statusCode === 0) return;
      expect(readApiReply(combination.route, body).errorType).toBeString();
      expectFailed(tree);
    }));

  test("with an error event in its stream: passed on, and said by the spans", () =>
    forAll(async (combination) => {
      if (!combination.stream) return;
      const script = { errorAfterChunks: 2 };
      const { body, tree } = await run(combination, { script, attempts: 1 });
      expect(body).toContain("scripted error in the stream");
      expectFailed(tree);
    }));

  test("by never answering: timed out", () =>
    forAll(async (combination) => {
      const script = { hang: "before-headers" } as const;
      const model = combination.route === "/v1/messages" ? "hasty-claude" : "hasty-gpt";
      const { reply, tree } = await run(combination, { script, model, attempts: 1 });
      expect(reply.status).toBe(504);
      expectFailed(tree);
      expect(tree.chat?.attributes["error.type"]).toBe("provider_timeout");
    }));

  test("by falling silent in the middle: timed out", () =>
    forAll(async (combination) => {
      const script = { hang: "between-chunks" } as const;
      const model = combination.route === "/v1/messages" ? "hasty-claude" : "hasty-gpt";
      const { reply, body, tree } = await run(combination, { script, model, attempts: 1 });
      expect(reply.status).toBe(combination.stream ? 200 : 504);
      expect(readApiReply(combination.route, body).errorType).toBeString();
      expectFailed(tree);
      expect(tree.chat?.attributes["error.type"]).toBe("provider_timeout");
    }));
});

describe("a client that leaves", () => {
  test("has a whole tree, and the provider is cancelled", () =>
    forAll(async (combination) => {
      const abort = new AbortController();
      const hang = combination.stream ? "between-chunks" : "before-headers";
      const sent = send(combination, { script: { hang } }, { signal: abort.signal });
      const record = await waitFor(
        () => traced.provider.requests.find(({ body }) => body.includes(combination.session)),
        10_000,
        "the provider being asked",
      );
      if (combination.stream) {
        const reader = (await sent).body?.getReader();
        await reader?.read();
      }
      abort.abort();
      await sent.then((reply) => reply.text()).catch(() => undefined);
      await waitFor(() => record.aborted, 5000, "the provider being cancelled");
      const spans = await traced.traceOfSession(combination.session);
      const { chat } = checkTree(combination, spans, { chat: true, attempts: 1 });
      expect(chat?.attributes["everyspan.client_disconnected"]).toBe(true);
      // A caller's own cancel is no error.
      expect(chat?.statusCode).toBe(0);
    }));
});

describe("a call refused before any provider work", () => {
  const refusals: readonly [string, number, (route: ApiRoute) => object][] = [
    ["401 without a key", 401, () => ({ headers: { authorization: "" } })],
    ["401 with a wrong key", 401, () => ({ headers: { authorization: "Bearer wrong" } })],
    ["400 for no JSON", 400, () => ({ body: `{"model": ` })],
    ["400 for no model", 400, () => ({ body: `{"messages":[]}` })],
    ["404 for an unknown model", 404, (route) => ({ body: apiBody({ route, model: "nobody" }) })],
    [
      "400 for a model of the other format",
      400,
      (route) => ({
        body: apiBody({
          route,
          model: route === "/v1/messages" ? "gpt-4o-mini" : "claude-haiku-4-5",
        }),
      }),
    ],
    ["413", 413, (route) => ({ body: apiBody({ route, prompt: "x".repeat(70_000) }) })],
  ];
  // The budget of traced refusals is a hundred a second: each row is 36 at once.
  test.each([...refusals])("%s has root and auth, and no chat span", async (_, status, init) => {
    await Bun.sleep(500);
    await forAll(async (combination) => {
      const before = traced.provider.callCount();
      const given = init(combination.route);
      const { reply, body, tree } = await run(combination, { ...given, chat: false, attempts: 0 });
      expect(reply.status).toBe(status);
      expect(readApiReply(combination.route, body).errorType).toBeString();
      const anthropicShape = (JSON.parse(body) as { type?: string }).type === "error";
      expect(anthropicShape).toBe(combination.route === "/v1/messages");
      expect(tree.root.statusCode).toBe(0);
      if (status === 401) expect(tree.auth.attributes["error.type"]).toBe("unauthorized");
      else expect(tree.preCall?.attributes["error.type"]).toBeString();
      expect(traced.provider.callCount()).toBe(before);
    });
  });
});

test.each([
  ["gpt-4o-mini", 400, "call it on /v1/chat/completions"],
  ["nobody", 404, "does not exist here"],
] as const)(
  "tokens of %s are not counted by whoever speaks the format",
  async (model, status, says) => {
    const before = traced.provider.callCount();
    const reply = await fetch(`${traced.gateway.url}/v1/messages/count_tokens`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": testKeys.caller },
      body: JSON.stringify({ model, messages: [{ role: "user", content: "hi" }] }),
    });
    expect(reply.status).toBe(status);
    expect(await reply.text()).toContain(says);
    expect(traced.provider.callCount()).toBe(before);
  },
);

describe("what no span may ever hold", () => {
  test("keys and prompts are nowhere in the exported bytes", async () => {
    // Of its own calls and of all that came before it, in whichever order the tests run.
    await forAll(async (combination) => void (await run(combination, { attempts: 1 })));
    expect(traced.receiver.requests.length).toBeGreaterThan(0);
    for (const { bytes } of traced.receiver.requests) {
      const text = Buffer.from(bytes).toString("latin1");
      for (const secret of [...Object.values(testKeys), promptCanary]) {
        expect(text).not.toContain(secret);
      }
    }
  });

  test("every call was exported exactly once", () => {
    const ids = traced.receiver.spans().map((span) => span.spanId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
