// Tests the scripted provider over real sockets: what the demo and every end-to-end test lean on.

import { afterEach, describe, expect, test } from "bun:test";
import { callOfResponseId, usageOfCall } from "../../../src/demo/provider-usage.ts";
import type { Script } from "../../../src/demo/provider-script.ts";
import {
  startScriptedProvider,
  type ScriptedProvider,
  type ScriptedProviderOptions,
} from "../../../src/demo/scripted-provider.ts";
import { waitFor } from "../../support/wait-for.ts";

const running: ScriptedProvider[] = [];
afterEach(() => {
  for (const provider of running.splice(0)) provider.stop();
});

function start(options: ScriptedProviderOptions = {}): ScriptedProvider {
  const provider = startScriptedProvider(options);
  running.push(provider);
  return provider;
}

function ask(
  provider: ScriptedProvider,
  path: string,
  body: object,
  init: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(provider.url + path, {
    method: "POST",
    body: JSON.stringify(body),
    ...init,
    headers: { "content-type": "application/json", ...init.headers },
  });
}

const chat = { model: "gpt-4o-mini", messages: [{ role: "user", content: "hello" }] };
const message = { model: "claude-haiku-4-5", max_tokens: 100, messages: chat.messages };
const routes = [
  { path: "/v1/chat/completions", body: chat },
  { path: "/v1/messages", body: message },
] as const;

function scripted(script: Script): Record<string, Script> {
  return { x_script: script };
}

interface Completion {
  id: string;
  usage: { prompt_tokens: number; completion_tokens: number };
}

describe("plain replies", () => {
  test("each call has an id of its own, from which its usage follows", async () => {
    const provider = start();
    const replies = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const response = await ask(provider, "/v1/chat/completions", chat);
        return (await response.json()) as Completion;
      }),
    );
    expect(new Set(replies.map((reply) => reply.id)).size).toBe(40);
    for (const { id, usage } of replies) {
      const expected = usageOfCall(callOfResponseId(id) ?? -1);
      expect(usage.prompt_tokens).toBe(expected.inputTokens);
      expect(usage.completion_tokens).toBe(expected.outputTokens);
    }
    expect(new Set(replies.map((reply) => reply.usage.prompt_tokens)).size).toBe(40);
  });

  test("a message's input, cache read and cache write add up to the total", async () => {
    const provider = start();
    for (let n = 0; n < 60; n++) await ask(provider, "/v1/messages", message);
    const reply = (await (await ask(provider, "/v1/messages", message)).json()) as {
      id: string;
      usage: Record<string, number>;
    };
    const { usage } = reply;
    const expected = usageOfCall(callOfResponseId(reply.id) ?? -1);
    expect(usage["cache_read_input_tokens"]).toBe(expected.cachedTokens);
    expect(
      (usage["input_tokens"] ?? 0) +
        (usage["cache_read_input_tokens"] ?? 0) +
        (usage["cache_creation_input_tokens"] ?? 0),
    ).toBe(expected.inputTokens);
  });

  test("models come in the shape that is asked for", async () => {
    const provider = start();
    const openai = (await (await fetch(`${provider.url}/v1/models`)).json()) as { object: string };
    expect(openai.object).toBe("list");
    const headers = { "anthropic-version": "2026-10-21" };
    const reply = await fetch(`${provider.url}/v1/models`, { headers });
    expect(((await reply.json()) as { has_more: boolean }).has_more).toBe(false);
  });

  test("count_tokens, embeddings and unknown paths are answered", async () => {
    const provider = start();
    const count = await ask(provider, "/v1/messages/count_tokens", message);
    expect(await count.json()).toEqual({ input_tokens: 101 });
    const embedded = await ask(provider, "/v1/embeddings", { model: "e", input: ["a", "b"] });
    expect(((await embedded.json()) as { data: unknown[] }).data).toHaveLength(2);
    const echoed = await ask(provider, "/v1/other?x=1", { a: 1 });
    expect(await echoed.json()).toEqual({ method: "POST", path: "/v1/other?x=1", body: `{"a":1}` });
  });

  test("two tools in the request are both called, until a result comes back", async () => {
    const provider = start();
    const tools = ["weather", "time"].map((name) => ({ type: "function", function: { name } }));
    const first = await (await ask(provider, "/v1/chat/completions", { ...chat, tools })).text();
    expect(first).toContain(`"finish_reason":"tool_calls"`);
    expect(first).toContain("weather");
    expect(first).toContain("Zürich");
    const messages = [{ role: "tool", tool_call_id: "call_1_0", content: "sun" }];
    const body = { ...chat, messages, tools };
    const second = await (await ask(provider, "/v1/chat/completions", body)).text();
    expect(second).toContain(`"finish_reason":"stop"`);
  });

  test("a body that is no JSON is a 400 in the route's own shape", async () => {
    const provider = start();
    for (const { path } of routes) {
      const reply = await fetch(provider.url + path, { method: "POST", body: "{" });
      expect(reply.status).toBe(400);
      expect(await reply.json()).toMatchObject({ error: { type: "invalid_request_error" } });
    }
  });
});

describe("streams", () => {
  test("an OpenAI stream has role, parts, finish reason, [DONE], and usage only when asked", async () => {
    const provider = start();
    const plain = await (
      await ask(provider, "/v1/chat/completions", { ...chat, stream: true })
    ).text();
    expect(plain).not.toContain("usage");
    expect(plain).toContain(`"role":"assistant"`);
    expect(plain).toEndWith("data: [DONE]\n\n");
    const body = { ...chat, stream: true, stream_options: { include_usage: true } };
    const withUsage = await (await ask(provider, "/v1/chat/completions", body)).text();
    expect(withUsage.match(/"usage":null/g)).toHaveLength(7);
    expect(withUsage).toContain(`"choices":[],"usage":{"prompt_tokens":102`);
  });

  test("a message stream has its events in order, with cumulative usage at the end", async () => {
    const provider = start();
    const text = await (await ask(provider, "/v1/messages", { ...message, stream: true })).text();
    const names = [...text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]);
    expect(names.slice(0, 3)).toEqual(["message_start", "content_block_start", "ping"]);
    expect(names.slice(-3)).toEqual(["content_block_stop", "message_delta", "message_stop"]);
    expect(text).toContain(`"output_tokens":21`);
  });

  test.each([...routes])(
    "$path keeps the same text through splits, CRLF and comments",
    async ({ path, body }) => {
      const provider = start();
      const script = { text: "Zürich, São Paulo, 東京 🗼", splitBytes: 1, chunkDelayMs: 0 };
      const noisy = { ...script, crlf: true, comments: true, unknownEvents: true };
      const clean = await (
        await ask(provider, path, { ...body, stream: true, ...scripted(script) })
      ).text();
      const loud = await (
        await ask(provider, path, { ...body, stream: true, ...scripted(noisy) })
      ).text();
      const textOf = (sse: string): string =>
        [...sse.matchAll(/"(?:content|text)":"([^"]*)"/g)].map((match) => match[1]).join("");
      expect(textOf(clean)).toBe(script.text);
      expect(textOf(loud)).toBe(script.text);
      expect(loud).toContain("\r\n\r\n");
      expect(loud).toContain("x_unknown");
    },
  );

  test("gzip is announced and readable", async () => {
    const provider = start();
    const body = { ...chat, stream: true, ...scripted({ gzip: true, splitBytes: 7 }) };
    const reply = await ask(provider, "/v1/chat/completions", body);
    expect(reply.headers.get("content-encoding")).toBe("gzip");
    expect(await reply.text()).toEndWith("[DONE]\n\n");
  });
});

describe("faults", () => {
  test.each([...routes])(
    "$path: a cut stream breaks in the client, after its first parts",
    async ({ path, body }) => {
      const provider = start();
      // Paced: what comes together with the close is lost to fetch, and would be to any client of it.
      const script = { chunks: 20, cutAfterChunks: 5, chunkDelayMs: 20 };
      const reply = await ask(provider, path, { ...body, stream: true, ...scripted(script) });
      expect(reply.status).toBe(200);
      const seen = await readUntilBroken(reply);
      expect(seen.broken).toBe(true);
      expect(seen.text).toContain("data: ");
      expect(seen.text).not.toMatch(/DONE|message_stop/);
    },
  );

  test("a cut plain reply breaks in the client", async () => {
    const provider = start();
    const reply = await ask(provider, "/v1/chat/completions", {
      ...chat,
      ...scripted({ cutAfterChunks: 2 }),
    });
    expect((await readUntilBroken(reply)).broken).toBe(true);
  });

  test.each(["close", "reset"] as const)(
    "a %s before the headers fails the request",
    async (cutBy) => {
      const provider = start();
      const script = scripted({ cutBeforeHeaders: true, cutBy });
      const failed = await ask(provider, "/v1/chat/completions", { ...chat, ...script }).then(
        () => false,
        () => true,
      );
      expect(failed).toBe(true);
    },
  );

  test("fails first, per body, then answers", async () => {
    const provider = start();
    const script = { failFirst: { times: 2, status: 429, headers: { "retry-after": "0" } } };
    const statuses: number[] = [];
    for (let n = 0; n < 4; n++) {
      const body = { ...chat, ...scripted(script) };
      const reply = await ask(provider, "/v1/chat/completions", body);
      statuses.push(reply.status);
      if (n === 0) expect(reply.headers.get("retry-after")).toBe("0");
    }
    expect(statuses).toEqual([429, 429, 200, 200]);
  });

  test("a hang is noticed by the provider when the client gives up", async () => {
    const provider = start();
    for (const hang of ["before-headers", "between-chunks", "after-last"] as const) {
      const abort = new AbortController();
      const body = { ...chat, stream: true, ...scripted({ hang }) };
      const asked = ask(provider, "/v1/chat/completions", body, { signal: abort.signal });
      asked.then((reply) => reply.text()).catch(() => undefined);
      const record = await waitFor(
        () => provider.requests.find((request) => request.body.includes(hang)),
        5000,
      );
      if (hang !== "before-headers") await waitFor(() => record.sentBytes > 0, 5000);
      expect(record.aborted).toBe(false);
      abort.abort();
      await waitFor(() => record.aborted, 5000, "the provider noticing");
      expect(record.ended).toBe(false);
    }
  });

  test("a body shorter than its content-length breaks in the client", async () => {
    const provider = start();
    const script = scripted({ contentLength: 100_000 });
    const reply = await ask(provider, "/v1/chat/completions", { ...chat, ...script });
    expect((await readUntilBroken(reply)).broken).toBe(true);
  });

  test("omitDone ends in order, an error event takes the rest's place, garbage is in the middle", async () => {
    const provider = start();
    const stream = async (script: Script): Promise<string> => {
      const body = { ...chat, stream: true, ...scripted(script) };
      return (await ask(provider, "/v1/chat/completions", body)).text();
    };
    expect(await stream({ omitDone: true })).not.toContain("DONE");
    const failed = await stream({ errorAfterChunks: 2 });
    expect(failed).toContain("scripted error in the stream");
    expect(failed).not.toContain("DONE");
    expect(await stream({ garbage: true })).toContain("{not json");
  });

  test("status scripts have the API's own error shape", async () => {
    const provider = start({ script: () => ({ status: 529 }) });
    const reply = await ask(provider, "/v1/messages", message);
    expect(reply.status).toBe(529);
    expect(await reply.json()).toMatchObject({
      type: "error",
      error: { type: "overloaded_error" },
    });
  });
});

describe("scripts", () => {
  test("come by header, by body field, by the model's name, or from code", async () => {
    const provider = start({
      named: { slow: { text: "by name" } },
      script: () => ({ text: "from code" }),
    });
    const text = async (body: object, headers: Record<string, string> = {}): Promise<string> =>
      (await ask(provider, "/v1/chat/completions", body, { headers })).text();
    expect(await text(chat, { "x-script": `{"text":"by header"}` })).toContain("by header");
    expect(await text({ ...chat, ...scripted({ text: "by field" }) })).toContain("by field");
    expect(await text({ ...chat, model: "gpt-4o-mini!slow" })).toContain("by name");
    expect(await text(chat)).toContain("from code");
    expect(await text(chat, { "x-script": "{" })).toContain("bad script");
  });

  test("requests are recorded with headers and body, or not kept at all", async () => {
    const provider = start();
    const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    await ask(provider, "/v1/messages", message, { headers: { traceparent } });
    expect(provider.requests[0]).toMatchObject({
      method: "POST",
      path: "/v1/messages",
      ended: true,
    });
    expect(provider.requests[0]?.headers["traceparent"]).toBe(traceparent);
    expect(provider.requests[0]?.json).toEqual(message);
    const forgetful = start({ record: false });
    await ask(forgetful, "/v1/messages", message);
    expect(forgetful.requests).toHaveLength(0);
    expect(forgetful.callCount()).toBe(1);
  });

  test("a slow reader slows the provider instead of filling memory", async () => {
    const script = { text: "x".repeat(30_000_000), chunks: 600, chunkDelayMs: 0 };
    const provider = start({ script: () => script });
    const reply = await ask(provider, "/v1/chat/completions", { ...chat, stream: true });
    const reader = reply.body?.getReader();
    await reader?.read();
    const record = await waitFor(() => provider.requests[0], 10_000);
    let before = -1;
    await waitFor(
      async () => {
        const still = record.sentBytes === before;
        before = record.sentBytes;
        await Bun.sleep(100);
        return still;
      },
      20_000,
      "the provider standing still",
    );
    expect(record.sentBytes).toBeLessThan(25_000_000);
    await reader?.cancel();
    await waitFor(() => record.aborted, 10_000);
  }, 60_000);
});

async function readUntilBroken(reply: Response): Promise<{ text: string; broken: boolean }> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    const reader = reply.body?.getReader();
    for (;;) {
      const read = await reader?.read();
      if (read === undefined || read.done) return { text, broken: false };
      text += decoder.decode(read.value as Uint8Array, { stream: true });
    }
  } catch {
    // Breaking is what is asked about.
    return { text, broken: true };
  }
}
