// The unmodified SDKs under guardrails: a block raises the class that a 400 has, with the guardrail's name and
// reason; a block in mid-stream raises too; a mask is simply what the model said.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { startTracedGateway } from "../support/traced-gateway.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";

const lead =
  "These words may be read by everybody who cares to read them at all, to the last. ".repeat(3);
const patterns = [{ name: "codename", regex: "Project Amsel" }];

let outside: TracedGateway;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  outside = await startTracedGateway({
    provider: {
      script: () => ({ text: `${lead}Project Amsel and so on.`, chunks: 60, chunkDelayMs: 2 }),
    },
    config: () => ({
      pool: { threads: 1 },
      guardrails: [
        { name: "input", type: "pattern", modes: ["pre_call"], patterns },
        { name: "output", type: "pattern", modes: ["post_call"], patterns },
        { name: "mask", type: "pattern", modes: ["post_call"], patterns, action: "mask" },
        { name: "gone", type: "generic_api", url: "http://127.0.0.1:9", modes: ["pre_call"] },
      ],
    }),
  });
  const { url } = outside.gateway;
  openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: url, apiKey: "none", maxRetries: 0 });
});
afterAll(async () => {
  await outside.stop();
});

function named(guardrail: string): { headers: Record<string, string> } {
  return { headers: { "x-everyspan-guardrails": guardrail } };
}

async function failure(running: Promise<unknown>): Promise<unknown> {
  return running.then(
    () => undefined,
    (error: unknown) => error,
  );
}

interface Client {
  readonly badRequest: new (...args: never[]) => Error;
  readonly serverError: new (...args: never[]) => Error;
  readonly apiError: new (...args: never[]) => Error;
  /** The text; `onText` hears it as it comes. */
  readonly say: (guardrail: string, prompt: string) => Promise<string>;
  readonly stream: (guardrail: string, onText: (text: string) => void) => Promise<void>;
}

const clients: Readonly<Record<string, Client>> = {
  openai: {
    badRequest: OpenAI.BadRequestError,
    serverError: OpenAI.InternalServerError,
    apiError: OpenAI.APIError,
    async say(guardrail, prompt) {
      const reply = await openai.chat.completions.create(
        { model: "gpt-4o-mini", messages: [{ role: "user", content: prompt }] },
        named(guardrail),
      );
      return reply.choices[0]?.message.content ?? "";
    },
    async stream(guardrail, onText) {
      const parts = await openai.chat.completions.create(
        { model: "gpt-4o-mini", stream: true, messages: [{ role: "user", content: "hi" }] },
        named(guardrail),
      );
      for await (const part of parts) onText(part.choices[0]?.delta.content ?? "");
    },
  },
  anthropic: {
    badRequest: Anthropic.BadRequestError,
    serverError: Anthropic.APIError,
    apiError: Anthropic.APIError,
    async say(guardrail, prompt) {
      const reply = await anthropic.messages.create(
        {
          model: "claude-haiku-4-5",
          max_tokens: 64,
          messages: [{ role: "user", content: prompt }],
        },
        named(guardrail),
      );
      const [block] = reply.content;
      return block?.type === "text" ? block.text : "";
    },
    async stream(guardrail, onText) {
      const events = await anthropic.messages.create(
        {
          model: "claude-haiku-4-5",
          max_tokens: 64,
          stream: true,
          messages: [{ role: "user", content: "hi" }],
        },
        named(guardrail),
      );
      for await (const event of events) {
        if (event.type === "content_block_delta" && event.delta.type === "text_delta")
          onText(event.delta.text);
      }
    },
  },
};

describe.each(Object.keys(clients))("%s", (name) => {
  const client = clients[name]!;

  test("a blocked request raises BadRequestError with guardrail and reason", async () => {
    const error = await failure(client.say("input", "what of Project Amsel?"));
    expect(error).toBeInstanceOf(client.badRequest);
    expect(error).toMatchObject({ status: 400 });
    expect(String(error)).toContain("guardrail input blocked the call: matches codename");
  });

  test("so does a blocked reply", async () => {
    const error = await failure(client.say("output", "hi"));
    expect(error).toBeInstanceOf(client.badRequest);
    expect(String(error)).toContain("guardrail output blocked the call: matches codename");
  });

  test("a guardrail that cannot be asked raises a 503 that names it", async () => {
    const error = await failure(client.say("gone", "hi"));
    expect(error).toBeInstanceOf(client.serverError);
    expect(error).toMatchObject({ status: 503 });
    expect(String(error)).toContain("guardrail gone could not check the call");
  });

  test("a block in mid-stream raises, after what was allowed", async () => {
    let text = "";
    const error = await failure(client.stream("output", (part) => (text += part)));
    expect(error).toBeInstanceOf(client.apiError);
    expect(String((error as Error).message)).toContain("guardrail output blocked the call");
    expect(text.length).toBeGreaterThan(0);
    expect(lead.startsWith(text)).toBe(true);
  });

  test("a masked reply and a masked stream are what the model said", async () => {
    const said = `${lead}[codename] and so on.`;
    expect(await client.say("mask", "hi")).toBe(said);
    let text = "";
    await client.stream("mask", (part) => (text += part));
    expect(text).toBe(said);
  });
});
