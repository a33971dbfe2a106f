// What the process runs with, from outside. Linux alone says it.

import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";

import { apiBody } from "../support/api-calls.ts";
import {
  basicProviders,
  startTracedGateway,
  type TracedGateway,
} from "../support/traced-gateway.ts";

const running: TracedGateway[] = [];
afterAll(() => Promise.all(running.map((traced) => traced.stop())));

test.skipIf(process.platform !== "linux")(
  "settings of its own are there from the start, and one from outside stays as it is",
  async () => {
    const traced = await startTracedGateway({ env: { BUN_CONFIG_MAX_HTTP_REQUESTS: "300" } });
    running.push(traced);
    const environment = readFileSync(`/proc/${traced.gateway.pid}/environ`, "utf8").split("\0");
    expect(environment).toContain("BUN_CONFIG_MAX_HTTP_REQUESTS=300");
    expect(environment).toContain("MIMALLOC_PURGE_DELAY=1000");
    expect(environment).toContain("BUN_JSC_heapGrowthMaxIncrease=6");
  },
);

// Without exec (Windows) what is there at the start of the workers is what they have.
test.if(process.platform !== "win32").each([
  ["HTTP_PROXY", { http_proxy: "", no_proxy: "", NO_PROXY: "" }],
  ["http_proxy", { HTTP_PROXY: "", no_proxy: "elsewhere.test", NO_PROXY: "other.test" }],
  ["ALL_PROXY", { HTTP_PROXY: "", http_proxy: "", no_proxy: "", NO_PROXY: "" }],
  ["all_proxy", { HTTP_PROXY: "", http_proxy: "", ALL_PROXY: "", no_proxy: "", NO_PROXY: "" }],
])("by %s goes what is elsewhere, and never what is on this machine", async (name, more) => {
  const asked: string[] = [];
  const proxy = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      asked.push(request.url);
      return new Response('{"error":"by proxy"}', { status: 400 });
    },
  });
  const traced = await startTracedGateway({
    env: { [name]: `http://127.0.0.1:${proxy.port}`, ...more },
    config: (provider) => ({
      providers: {
        ...basicProviders(provider),
        far: { api: "openai", base_url: "http://provider.test/v1", api_key: "k" },
      },
      models: [
        { name: "far", provider: "far" },
        { name: "*", provider: "openai" },
      ],
    }),
  });
  running.push(traced);
  const send = (model: string): Promise<Response> =>
    fetch(`${traced.gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: apiBody({ route: "/v1/chat/completions", model }),
    });
  const near = await send("gpt-4o-mini");
  expect(near.status).toBe(200);
  await traced.trace(near.headers.get("x-trace-id") ?? "");
  expect(asked).toEqual([]);
  expect((await send("far")).status).toBe(400);
  expect(asked).toEqual(["http://provider.test/v1/chat/completions"]);
  await proxy.stop(true);
});
