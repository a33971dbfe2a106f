// The unmodified openai package against the gateway: what an app can do with OpenAI it can do through
// everyspan, and its own error classes are raised.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
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
  noisy: { text: "Zürich 東京 🗼 end", crlf: true, comments: true, splitBytes: 3, chunkDelayMs: 0 },
  slow: { chunks: 5, chunkDelayMs: 100 },
  cut: { chunks: 20, chunkDelayMs: 20, cutAfterChunks: 8 },
  hang: { hang: "between-chunks" },
  silent: { hang: "before-headers" },
  "stream-error": { errorAfterChunks: 2 },
  gzip: { gzip: true },
};

let traced: TracedGateway;
let client: OpenAI;

beforeAll(async () => {
  traced = await startTracedGateway({
    provider: { named },
    config: (provider) => {
      const providers = basicProviders(provider) as Record<string, object>;
      return {
        server: { keys: [{ name: "team-a", key: testKeys.caller }] },
        // Retries are the SDK's here, so that its own can be seen.
        providers: { openai: { ...providers["openai"], retries: 0 } },
      };
    },
  });
  client = newClient();
});
afterAll(async () => {
  await traced?.stop();
});

function newClient(options: ConstructorParameters<typeof OpenAI>[0] = {}): OpenAI {
  return new OpenAI({
    baseURL: `${traced.gateway.url}/v1`,
    apiKey: testKeys.caller,
    maxRetries: 0,
    ...options,
  });
}

type Params = OpenAI.ChatCompletionCreateParamsNonStreaming;

const messages: Params["messages"] = [{ role: "user", content: "hello" }];

/** Fields the SDK knows, and others. */
type More = Partial<Params> & Record<string, unknown>;

function params(script = "", more: More = {}): Params {
  return { model: script === "" ? "gpt-4o-mini" : `gpt-4o-mini!${script}`, messages, ...more };
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

async function textOf(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  return text;
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
    const { data, response, request_id } = await client.chat.completions
      .create(params())
      .withResponse();
    const usage = usageOfCall(callOfResponseId(data.id) ?? -1);
    expect(data.choices[0]?.message.content).toContain("scripted reply");
    expect(data.usage?.prompt_tokens).toBe(usage.inputTokens);
    expect(data.usage?.prompt_tokens_details?.cached_tokens).toBe(usage.cachedTokens);
    const spans = await traced.trace(response.headers.get("x-trace-id") ?? "");
    const chat = spans.find((span) => span.name === "chat gpt-4o-mini");
    expect(chat?.attributes["gen_ai.response.id"]).toBe(data.id);
    expect(chat?.attributes["gen_ai.usage.input_tokens"]).toBe(usage.inputTokens);
    expect(request_id).toStartWith("req_");
  });

  test("metadata, user and unknown fields reach the provider, with the provider's key", async () => {
    const metadata = { user_id: "user-42", ticket: "T-1" };
    const sent: Record<string, unknown> = {
      metadata,
      user: "someone",
      store: false,
      x_unknown: { deep: [1, 2] },
    };
    await client.chat.completions.create(params("", sent));
    const request = recorded("T-1");
    expect(request.json).toMatchObject(sent);
    expect(request.headers["authorization"]).toBe(`Bearer ${testKeys.openai}`);
  });

  test("images go through untouched", async () => {
    const url = `data:image/png;base64,${"iVBORw0KGgo=".repeat(2000)}`;
    const content = [
      { type: "text" as const, text: "image-case" },
      { type: "image_url" as const, image_url: { url } },
    ];
    await client.chat.completions.create(params("", { messages: [{ role: "user", content }] }));
    expect(recorded("image-case").json).toMatchObject({ messages: [{ role: "user", content }] });
  });

  test("a megabyte of multi-byte text survives both ways", async () => {
    const prompt: Params["messages"] = [{ role: "user", content: longText }];
    const reply = await client.chat.completions.create(params("long", { messages: prompt }));
    expect(reply.choices[0]?.message.content === longText).toBe(true);
    const sent = traced.provider.requests.at(-1)?.json as { messages: { content: string }[] };
    expect(sent.messages[0]?.content === longText).toBe(true);
  });

  test("two tool calls at once", async () => {
    const reply = await client.chat.completions.create(params("", { tools }));
    const calls = reply.choices[0]?.message.tool_calls ?? [];
    expect(reply.choices[0]?.finish_reason).toBe("tool_calls");
    expect(calls.map((call) => call.type === "function" && call.function.name)).toEqual([
      "weather",
      "time",
    ]);
  });

  test("structured output is parsed by the SDK", async () => {
    const schema = { type: "object", properties: { answer: { type: "string" } } };
    const reply = await client.chat.completions.parse({
      ...params(),
      response_format: { type: "json_schema", json_schema: { name: "answer", schema } },
    });
    expect(JSON.parse(reply.choices[0]?.message.content ?? "")).toHaveProperty("answer");
  });

  test("a reply the provider compresses is read", async () => {
    const reply = await client.chat.completions.create(params("gzip"));
    expect(reply.choices[0]?.message.content).toContain("scripted reply");
  });

  test("models, embeddings and the Responses API go through", async () => {
    const models = await client.models.list();
    expect(models.data.map((model) => model.id)).toContain("gpt-4o-mini");
    const embedded = await client.embeddings.create({ model: "e", input: ["a", "b"] });
    expect(embedded.data).toHaveLength(2);
    const response = await client.responses.create({ model: "gpt-4o-mini", input: "hi" });
    expect(response.output_text).toContain("scripted reply");
    let text = "";
    const stream = await client.responses.create({
      model: "gpt-4o-mini",
      input: "hi",
      stream: true,
    });
    for await (const event of stream) {
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    expect(text).toContain("scripted reply");
  });

  test("25 calls at once each have their own id and usage", async () => {
    const replies = await Promise.all(
      Array.from({ length: 25 }, () => client.chat.completions.create(params())),
    );
    expect(new Set(replies.map((reply) => reply.id)).size).toBe(25);
    for (const { id, usage } of replies) {
      expect(usage?.prompt_tokens).toBe(usageOfCall(callOfResponseId(id) ?? -1).inputTokens);
    }
  });
});

const tools: NonNullable<Params["tools"]> = ["weather", "time"].map((name) => ({
  type: "function",
  function: { name, parameters: { type: "object", properties: { city: { type: "string" } } } },
}));

describe("streams", () => {
  test("no usage chunk unless asked for, yet the trace has the usage", async () => {
    const { data, response } = await client.chat.completions
      .create({ ...params(), stream: true })
      .withResponse();
    let id = "";
    for await (const chunk of data) {
      id = chunk.id;
      expect(chunk.choices).toHaveLength(1);
      expect("usage" in chunk).toBe(false);
    }
    const spans = await traced.trace(response.headers.get("x-trace-id") ?? "");
    const chat = spans.find((span) => span.name.startsWith("chat "));
    expect(chat?.attributes["gen_ai.usage.input_tokens"]).toBe(
      usageOfCall(callOfResponseId(id) ?? -1).inputTokens,
    );
  });

  test("the usage chunk arrives when asked for", async () => {
    const stream = await client.chat.completions.create({
      ...params(),
      stream: true,
      stream_options: { include_usage: true },
    });
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) usage = chunk.usage ?? usage;
    expect(usage?.total_tokens).toBeGreaterThan(100);
  });

  test("parts are live: the first is here while the provider still speaks", async () => {
    const stream = await client.chat.completions.create({ ...params("slow"), stream: true });
    let first = true;
    for await (const chunk of stream) {
      if (!first || (chunk.choices[0]?.delta.content ?? "") === "") continue;
      first = false;
      expect(recorded("!slow").ended).toBe(false);
    }
    expect(first).toBe(false);
  });

  test.each(["split", "noisy"])("parts cut inside characters arrive whole (%s)", async (script) => {
    const stream = await client.chat.completions.create({ ...params(script), stream: true });
    expect(await textOf(stream)).toBe("Zürich 東京 🗼 end");
  });

  test("a megabyte of multi-byte text streams through", async () => {
    const stream = await client.chat.completions.create({ ...params("long"), stream: true });
    expect((await textOf(stream)) === longText).toBe(true);
  });

  test("the SDK assembles two interleaved tool calls", async () => {
    const runner = client.chat.completions.stream({ ...params("", { tools }), stream: true });
    const completion = await runner.finalChatCompletion();
    const cities = completion.choices[0]?.message.tool_calls?.map(
      (call) =>
        call.type === "function" && (JSON.parse(call.function.arguments) as { city: string }).city,
    );
    expect(cities).toEqual(["Zürich", "São Paulo"]);
  });

  test("a provider cut in mid-stream raises", async () => {
    const stream = await client.chat.completions.create({ ...params("cut"), stream: true });
    const error = await raised(textOf(stream));
    expect(error).toBeInstanceOf(OpenAI.APIError);
  });

  test("an error inside the stream raises with the provider's words", async () => {
    const stream = await client.chat.completions.create({
      ...params("stream-error"),
      stream: true,
    });
    const error = await raised(textOf(stream));
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect((error as Error).message).toContain("scripted error in the stream");
  });

  test("an abort reaches the provider, of a stream and of a plain call", async () => {
    const stream = await client.chat.completions.create({ ...params("hang"), stream: true });
    for await (const chunk of stream) {
      if (chunk.id !== "") break;
    }
    stream.controller.abort();
    await waitFor(() => recorded("!hang").aborted, 5000, "the abort of the stream");
    const abort = new AbortController();
    const plain = client.chat.completions.create(params("silent"), { signal: abort.signal });
    const failing = raised(plain);
    await waitFor(
      () => traced.provider.requests.some(({ body }) => body.includes("!silent")),
      5000,
    );
    abort.abort();
    expect(await failing).toBeInstanceOf(OpenAI.APIUserAbortError);
    await waitFor(() => recorded("!silent").aborted, 5000, "the abort of the plain call");
  });
});

describe("errors", () => {
  const classes: readonly [number, new (...given: never[]) => Error][] = [
    [400, OpenAI.BadRequestError],
    [401, OpenAI.AuthenticationError],
    [403, OpenAI.PermissionDeniedError],
    [404, OpenAI.NotFoundError],
    [422, OpenAI.UnprocessableEntityError],
    [429, OpenAI.RateLimitError],
    [500, OpenAI.InternalServerError],
    [503, OpenAI.InternalServerError],
  ];
  test.each([...classes])(
    "a provider's %d is the SDK's own class, with its body",
    async (status, errorClass) => {
      const headers = { "x-request-id": `req-of-${status}` };
      for (const stream of [false, true]) {
        const body = { ...scripted({ status, headers }), stream };
        const error = await raised(client.chat.completions.create(body));
        expect(error).toBeInstanceOf(errorClass);
        const { message, requestID, code } = error as InstanceType<typeof OpenAI.APIError>;
        expect(message).toContain(`scripted ${status}`);
        expect(requestID).toBe(`req-of-${status}`);
        expect(code).toBeString();
      }
    },
  );

  test("everyspan's own refusals are the SDK's own classes too", async () => {
    const unknown = newClient({ apiKey: "sk-wrong" });
    expect(await raised(unknown.chat.completions.create(params()))).toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
    const empty = { ...params(), messages: undefined } as unknown as Params;
    const error = await raised(client.chat.completions.create({ ...empty, model: "" }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
  });

  test("the SDK's own retry goes through, each try its own trace", async () => {
    const retrying = newClient({ maxRetries: 1 });
    const failFirst = { times: 1, status: 500, key: "sdk-retry" };
    const reply = await retrying.chat.completions.create(scripted({ failFirst }));
    expect(reply.choices[0]?.message.content).toContain("scripted reply");
    const tries = traced.provider.requests.filter(({ body }) => body.includes("sdk-retry"));
    const traceIds = tries.map(({ headers }) => headers["traceparent"]?.split("-")[1] ?? "");
    expect(new Set(traceIds).size).toBe(2);
    for (const traceId of traceIds) {
      expect((await traced.trace(traceId)).map((span) => span.name)).toContain("auth");
    }
  });

  test("nobody at the provider's address is a 502 the SDK knows", async () => {
    const error = await raised(
      client.chat.completions.create(scripted({ cutBeforeHeaders: true })),
    );
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect((error as InstanceType<typeof OpenAI.APIError>).status).toBe(502);
  });
});
