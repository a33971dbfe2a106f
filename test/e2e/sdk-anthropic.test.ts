// The unmodified @anthropic-ai/sdk package against the gateway: what an app can do with Anthropic it can do
// through everyspan, and its own error classes are raised.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import type { Script } from "../../src/demo/provider-script.ts";
import { callOfResponseId, usageOfCall } from "../../src/demo/provider-usage.ts";
import type { RecordedRequest } from "../../src/demo/scripted-provider.ts";
import { basicProviders, startTracedGateway, testKeys } from "../support/traced-gateway.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

/** About 1 MB in UTF-8: characters of two, three and four bytes. */
const longText = "Zürich 東京 🗼 ".repeat(48_000);
const named: Record<string, Script> = {
  long: { text: longText, chunks: 300 },
  split: { text: "Zürich 東京 🗼 end", splitBytes: 1, chunkDelayMs: 0 },
  noisy: {
    text: "Zürich 東京 🗼 end",
    crlf: true,
    comments: true,
    unknownEvents: true,
    splitBytes: 3,
  },
  slow: { chunks: 5, chunkDelayMs: 100 },
  cut: { chunks: 20, chunkDelayMs: 20, cutAfterChunks: 8 },
  ended: { omitDone: true },
  hang: { hang: "between-chunks" },
  silent: { hang: "before-headers" },
  "stream-error": { errorAfterChunks: 2 },
};

let traced: TracedGateway;
let client: Anthropic;

beforeAll(async () => {
  traced = await startTracedGateway({
    provider: { named },
    config: (provider) => {
      const providers = basicProviders(provider) as Record<string, object>;
      return {
        server: { keys: [{ name: "team-a", key: testKeys.caller }] },
        // Retries are the SDK's here, so that its own can be seen.
        providers: { anthropic: { ...providers["anthropic"], retries: 0 } },
      };
    },
  });
  client = newClient();
});
afterAll(async () => {
  await traced?.stop();
});

function newClient(options: ConstructorParameters<typeof Anthropic>[0] = {}): Anthropic {
  return new Anthropic({
    baseURL: traced.gateway.url,
    apiKey: testKeys.caller,
    maxRetries: 0,
    ...options,
  });
}

type Params = Anthropic.MessageCreateParamsNonStreaming;

const messages: Params["messages"] = [{ role: "user", content: "hello" }];

/** Fields the SDK knows, and others. */
type More = Partial<Params> & Record<string, unknown>;

function params(script = "", more: More = {}): Params {
  const model = script === "" ? "claude-haiku-4-5" : `claude-haiku-4-5!${script}`;
  return { model, max_tokens: 64, messages, ...more };
}

/** A body field of the scripted provider; what the gateway does not know it passes on. */
function scripted(script: Script): Params {
  return params("", { x_script: script });
}

function recorded(text: string): RecordedRequest {
  const found = traced.provider.requests.findLast((request) => request.body.includes(text));
  if (found === undefined) throw new Error(`the provider was not asked with ${text}`);
  return found;
}

function firstText(message: Anthropic.Message): string {
  const [block] = message.content;
  return block?.type === "text" ? block.text : "";
}

async function raised(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was raised");
}

describe("plain calls", () => {
  test("text, usage and id arrive, and are in the trace", async () => {
    const { data, response } = await client.messages.create(params()).withResponse();
    const usage = usageOfCall(callOfResponseId(data.id) ?? -1);
    expect(firstText(data)).toContain("scripted reply");
    expect(data.usage.output_tokens).toBe(usage.outputTokens);
    const spans = await traced.trace(response.headers.get("x-trace-id") ?? "");
    const chat = spans.find((span) => span.name === "chat claude-haiku-4-5");
    expect(chat?.attributes["gen_ai.response.id"]).toBe(data.id);
    // The conventions' count includes cached tokens, Anthropic's own does not.
    expect(chat?.attributes["gen_ai.usage.input_tokens"]).toBe(usage.inputTokens);
  });

  test("metadata, version, beta and unknown fields reach the provider, with its key", async () => {
    await client.messages.create(
      params("", { metadata: { user_id: "user-of-T-1" }, x_unknown: { deep: [1] } }),
      { headers: { "anthropic-beta": "one-2026-01-01,two-2026-02-02" } },
    );
    const { json, headers } = recorded("user-of-T-1");
    expect(json).toMatchObject({
      metadata: { user_id: "user-of-T-1" },
      x_unknown: { deep: [1] },
    });
    expect(headers["anthropic-beta"]).toBe("one-2026-01-01,two-2026-02-02");
    expect(headers["anthropic-version"]).toMatch(/^20\d\d-\d\d-\d\d$/);
    expect(JSON.stringify(headers)).toContain(testKeys.anthropic);
    expect(JSON.stringify(headers)).not.toContain(testKeys.caller);
  });

  test("the older key header works as well", async () => {
    const older = newClient({ apiKey: null, defaultHeaders: { "x-api-key": testKeys.caller } });
    expect(firstText(await older.messages.create(params()))).toContain("scripted reply");
    expect(traced.provider.requests.at(-1)?.headers["x-api-key"]).toBe(testKeys.anthropic);
  });

  test("images go through untouched", async () => {
    const content: Anthropic.ContentBlockParam[] = [
      { type: "text", text: "image-case" },
      {
        type: "image",
        source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=".repeat(2000) },
      },
    ];
    await client.messages.create(params("", { messages: [{ role: "user", content }] }));
    expect(recorded("image-case").json).toMatchObject({ messages: [{ role: "user", content }] });
  });

  test("a megabyte of multi-byte text survives both ways", async () => {
    const prompt: Params["messages"] = [{ role: "user", content: longText }];
    const reply = await client.messages.create(params("long", { messages: prompt }));
    expect(firstText(reply) === longText).toBe(true);
    const sent = traced.provider.requests.at(-1)?.json as { messages: { content: string }[] };
    expect(sent.messages[0]?.content === longText).toBe(true);
  });

  test("two tool uses at once, and the answer after their results", async () => {
    const reply = await client.messages.create(params("", { tools }));
    expect(reply.stop_reason).toBe("tool_use");
    expect(reply.content.map((block) => block.type === "tool_use" && block.name)).toEqual([
      "weather",
      "time",
    ]);
    const results = reply.content.flatMap((block): Anthropic.ToolResultBlockParam[] =>
      block.type === "tool_use"
        ? [{ type: "tool_result", tool_use_id: block.id, content: "sun" }]
        : [],
    );
    const next = await client.messages.create(
      params("", {
        tools,
        messages: [
          ...messages,
          { role: "assistant", content: reply.content },
          { role: "user", content: results },
        ],
      }),
    );
    expect(next.stop_reason).toBe("end_turn");
  });

  test("structured output is passed through", async () => {
    const schema = { type: "object", properties: { answer: { type: "string" } } };
    const format = { type: "json_schema" as const, schema };
    const reply = await client.messages.create(params("", { output_config: { format } }));
    expect(JSON.parse(firstText(reply))).toHaveProperty("answer");
  });

  test("models and count_tokens", async () => {
    const models = await client.models.list();
    expect(models.data.map((model) => model.id)).toContain("claude-haiku-4-5");
    const { data, response } = await client.messages
      .countTokens({ model: "claude-haiku-4-5", messages })
      .withResponse();
    expect(data.input_tokens).toBeGreaterThan(100);
    const spans = await traced.trace(response.headers.get("x-trace-id") ?? "");
    expect(spans.map((span) => span.name).toSorted()).toEqual([
      "POST",
      "POST /v1/messages/count_tokens",
      "auth",
      "pre_call",
    ]);
  });

  test("25 calls at once each have their own id and usage", async () => {
    const replies = await Promise.all(
      Array.from({ length: 25 }, () => client.messages.create(params())),
    );
    expect(new Set(replies.map((reply) => reply.id)).size).toBe(25);
    for (const { id, usage } of replies) {
      expect(usage.output_tokens).toBe(usageOfCall(callOfResponseId(id) ?? -1).outputTokens);
    }
  });
});

const tools: Anthropic.Tool[] = ["weather", "time"].map((name) => ({
  name,
  input_schema: { type: "object", properties: { city: { type: "string" } } },
}));

describe("streams", () => {
  test("the SDK assembles the message, with its usage, as the trace has it", async () => {
    const stream = client.messages.stream(params());
    const { response } = await stream.withResponse();
    const message = await stream.finalMessage();
    const usage = usageOfCall(callOfResponseId(message.id) ?? -1);
    expect(firstText(message)).toContain("scripted reply");
    expect(message.usage.output_tokens).toBe(usage.outputTokens);
    const spans = await traced.trace(response.headers.get("x-trace-id") ?? "");
    const chat = spans.find((span) => span.name.startsWith("chat "));
    expect(chat?.attributes).toMatchObject({
      "gen_ai.response.id": message.id,
      "gen_ai.usage.input_tokens": usage.inputTokens,
      "gen_ai.usage.output_tokens": usage.outputTokens,
      "gen_ai.usage.cache_write.input_tokens": usage.cacheWriteTokens,
    });
  });

  test("parts are live: the first is here while the provider still speaks", async () => {
    const stream = await client.messages.create({ ...params("slow"), stream: true });
    let first = true;
    for await (const event of stream) {
      if (!first || event.type !== "content_block_delta") continue;
      first = false;
      expect(recorded("!slow").ended).toBe(false);
    }
    expect(first).toBe(false);
  });

  test.each(["split", "noisy"])("parts cut inside characters arrive whole (%s)", async (script) => {
    const message = await client.messages.stream(params(script)).finalMessage();
    expect(firstText(message)).toBe("Zürich 東京 🗼 end");
  });

  test("a megabyte of multi-byte text streams through", async () => {
    const message = await client.messages.stream(params("long")).finalMessage();
    expect(firstText(message) === longText).toBe(true);
  });

  test("the SDK assembles two tool uses from streamed arguments", async () => {
    const message = await client.messages.stream(params("", { tools })).finalMessage();
    const cities = message.content.map(
      (block) => block.type === "tool_use" && (block.input as { city: string }).city,
    );
    expect(cities).toEqual(["Zürich", "São Paulo"]);
  });

  test.each(["cut", "ended"])(
    "a provider that is cut in mid-stream raises (%s)",
    async (script) => {
      const error = await raised(client.messages.stream(params(script)).finalMessage());
      expect(error).toBeInstanceOf(Anthropic.APIError);
    },
  );

  test("an error inside the stream raises with the provider's words", async () => {
    const error = await raised(client.messages.stream(params("stream-error")).finalMessage());
    expect(error).toBeInstanceOf(Anthropic.APIError);
    expect((error as Error).message).toContain("scripted error in the stream");
  });

  test("an abort reaches the provider, of a stream and of a plain call", async () => {
    const stream = await client.messages.create({ ...params("hang"), stream: true });
    for await (const event of stream) {
      if (event.type === "message_start") break;
    }
    stream.controller.abort();
    await waitFor(() => recorded("!hang").aborted, 5000, "the abort of the stream");
    const abort = new AbortController();
    const failing = raised(client.messages.create(params("silent"), { signal: abort.signal }));
    await waitFor(
      () => traced.provider.requests.some(({ body }) => body.includes("!silent")),
      5000,
    );
    abort.abort();
    expect(await failing).toBeInstanceOf(Anthropic.APIUserAbortError);
    await waitFor(() => recorded("!silent").aborted, 5000, "the abort of the plain call");
  });
});

describe("errors", () => {
  const classes: readonly [number, new (...given: never[]) => Error][] = [
    [400, Anthropic.BadRequestError],
    [401, Anthropic.AuthenticationError],
    [403, Anthropic.PermissionDeniedError],
    [404, Anthropic.NotFoundError],
    [422, Anthropic.UnprocessableEntityError],
    [429, Anthropic.RateLimitError],
    [500, Anthropic.InternalServerError],
    [529, Anthropic.InternalServerError],
  ];
  test.each([...classes])(
    "a provider's %d is the SDK's own class, with its body",
    async (status, errorClass) => {
      const headers = { "request-id": `req-of-${status}` };
      for (const stream of [false, true]) {
        const body = { ...scripted({ status, headers }), stream };
        const error = await raised(client.messages.create(body));
        expect(error).toBeInstanceOf(errorClass);
        const { message, requestID } = error as InstanceType<typeof Anthropic.APIError>;
        expect(message).toContain(`scripted ${status}`);
        expect(requestID).toBe(`req-of-${status}`);
      }
    },
  );

  test("everyspan's own refusals are the SDK's own classes too", async () => {
    const unknown = newClient({ apiKey: "sk-wrong" });
    expect(await raised(unknown.messages.create(params()))).toBeInstanceOf(
      Anthropic.AuthenticationError,
    );
    const empty = { ...params(), model: "" };
    expect(await raised(client.messages.create(empty))).toBeInstanceOf(Anthropic.BadRequestError);
  });

  test("the SDK's own retry goes through, each try its own trace", async () => {
    const retrying = newClient({ maxRetries: 1 });
    const failFirst = { times: 1, status: 529, key: "sdk-retry" };
    const reply = await retrying.messages.create(scripted({ failFirst }));
    expect(firstText(reply)).toContain("scripted reply");
    const tries = traced.provider.requests.filter(({ body }) => body.includes("sdk-retry"));
    const traceIds = tries.map(({ headers }) => headers["traceparent"]?.split("-")[1] ?? "");
    expect(new Set(traceIds).size).toBe(2);
    for (const traceId of traceIds) {
      expect((await traced.trace(traceId)).map((span) => span.name)).toContain("auth");
    }
  });

  test("nobody at the provider's address is a 502 the SDK knows", async () => {
    const error = await raised(client.messages.create(scripted({ cutBeforeHeaders: true })));
    expect(error).toBeInstanceOf(Anthropic.InternalServerError);
    expect((error as InstanceType<typeof Anthropic.APIError>).status).toBe(502);
  });
});
