// What a call cost, from the `pricing` section to the span: a price of one's own, the list's, and none.

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ReceivedSpan } from "../../src/demo/received-span.ts";
import { apiBody, routes, type ApiRoute } from "../support/api-calls.ts";
import { startTracedGateway, type TracedGateway } from "../support/traced-gateway.ts";

const usage = {
  inputTokens: 1000,
  outputTokens: 500,
  cachedTokens: 300,
  cacheWriteTokens: 200,
  reasoningTokens: 120,
};

let traced: TracedGateway;

beforeAll(async () => {
  traced = await startTracedGateway({
    config: (provider) => ({
      providers: {
        openai: { api: "openai", base_url: `${provider.url}/v1` },
        anthropic: { api: "anthropic", base_url: provider.url },
      },
      models: [
        { name: "fast", provider: "openai", model: "house-small" },
        { name: "fast-claude", provider: "anthropic", model: "house-small" },
        { name: "house-*", provider: "openai" },
        { name: "house-*-claude", provider: "anthropic" },
        { name: "gpt-*", provider: "openai" },
        { name: "claude-*", provider: "anthropic" },
      ],
      pricing: [
        { model: "house-small", input: 10, output: 20, cached_input: 1, cache_write: 12 },
        { model: "gpt-4o-mini", output: 6 },
      ],
    }),
  });
});
afterAll(async () => {
  await traced?.stop();
});

async function chatOf(
  route: ApiRoute,
  model: string,
  stream = false,
): Promise<ReceivedSpan["attributes"]> {
  const response = await fetch(traced.gateway.url + route, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer key" },
    body: apiBody({ route, model, stream, script: { usage } }),
  });
  expect(response.status).toBe(200);
  await response.text();
  const spans = await traced.trace(response.headers.get("x-trace-id") ?? "");
  return spans.find(({ name }) => name.startsWith("chat "))?.attributes ?? {};
}

function costsOf(chat: ReceivedSpan["attributes"]): (number | undefined)[] {
  return ["everyspan.cost.input", "everyspan.cost.output", "gen_ai.usage.cost"].map((key) => {
    const value = chat[key];
    return typeof value === "number" ? Math.round(value * 1e9) / 1e9 : undefined;
  });
}

test("a price of one's own counts fresh, cached, written and generated tokens, on both routes, streamed or not", async () => {
  for (const route of routes) {
    const model = route === "/v1/messages" ? "fast-claude" : "fast";
    for (const stream of [false, true]) {
      const chat = await chatOf(route, model, stream);
      // OpenAI's API has no tokens written to a cache: those are fresh input there.
      const written = chat["gen_ai.usage.cache_write.input_tokens"] === undefined ? 10 : 12;
      const input = (500 * 10 + 300 * 1 + 200 * written) / 1e6;
      expect(costsOf(chat)).toEqual([input, 0.01, input + 0.01]);
      expect(chat["mlflow.llm.cost"]).toBe(
        JSON.stringify({ input_cost: input, output_cost: 0.01, total_cost: input + 0.01 }),
      );
    }
  }
});

test("what a price of one's own leaves out keeps the list's figure", async () => {
  const [input, output] = costsOf(await chatOf("/v1/chat/completions", "gpt-4o-mini"));
  expect(input).toBeGreaterThan(0);
  expect(output).toBe(0.003);
});

test("a model without a price has no cost, never zero, and the log says so once", async () => {
  for (let call = 0; call < 3; call += 1) {
    const chat = await chatOf("/v1/chat/completions", "house-unknown");
    expect(chat["gen_ai.usage.input_tokens"]).toBe(1000);
    expect(Object.keys(chat).filter((key) => key.includes("cost"))).toEqual([]);
    expect(chat["langfuse.observation.usage_details"]).toContain('"total":1500');
  }
  const said = traced.gateway.stderr().match(/no price is known for model "house-unknown"/g);
  expect(said).toHaveLength(1);
});
