// Tracing switched off, by file and by the standard variable: calls are served, nothing is recorded anywhere.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { startOtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import { startScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { startGatewayProcess } from "../support/gateway-process.ts";

const provider = startScriptedProvider();
const receiver = startOtlpReceiver();
afterAll(() => {
  provider.stop();
  receiver.stop();
});

const config = (tracing: object): Record<string, unknown> => ({
  providers: { openai: { api: "openai", base_url: `${provider.url}/v1`, api_key: "k" } },
  tracing: {
    ...tracing,
    ledger: { path: "./ledger.db" },
    destinations: [{ name: "r", endpoint: receiver.url }],
  },
});

describe.each([
  ["the file", { disabled: true }, {}],
  ["OTEL_SDK_DISABLED", {}, { OTEL_SDK_DISABLED: "true" }],
] as const)("tracing off by %s", (_, line, env) => {
  test("serves calls, says so, and records nothing", async () => {
    const gateway = await startGatewayProcess({ config: config(line), env });
    try {
      const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "gpt-4o-mini", messages: [{ role: "user", content: "hi" }] }),
      });
      expect(reply.status).toBe(200);
      expect(reply.headers.get("x-trace-id")).toMatch(/^[0-9a-f]{32}$/);
      expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
      const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
      expect(metrics).toContain("everyspan_spans_recorded_total 0");
      gateway.kill("SIGTERM");
      expect(await gateway.exited).toBe(0);
      expect(gateway.stderr()).toContain("tracing is off");
      expect(receiver.acceptedCount()).toBe(0);
      expect(existsSync(join(gateway.folder, "ledger.db"))).toBe(false);
    } finally {
      await gateway.stop();
    }
  });
});
