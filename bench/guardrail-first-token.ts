// What the guardrails of a stream add to the time to its first token: the same stream through the gateway
// without one, with the default windows, with other holdbacks, and held whole. `bun bench/guardrail-first-token.ts`

import { startScriptedProvider } from "../src/demo/scripted-provider.ts";
import { startGatewayProcess } from "../test/support/gateway-process.ts";

/** A model that writes 400 characters a second, four at a time. */
const text = "The quick brown fox jumps over the lazy dog and runs on. ".repeat(14);
const script = { text, chunks: Math.ceil(text.length / 4), chunkDelayMs: 10 };
const rounds = 8;

const provider = startScriptedProvider({ script: () => script, record: false });
const pattern = {
  type: "pattern",
  modes: ["post_call"],
  builtin: ["secrets", "email", "card_number", "iban"],
};
const gateway = await startGatewayProcess({
  config: {
    providers: { openai: { api: "openai", base_url: `${provider.url}/v1` } },
    guardrails: [
      { ...pattern, name: "default" },
      { ...pattern, name: "holdback-16", holdback: 16 },
      { ...pattern, name: "holdback-0", holdback: 0 },
      { ...pattern, name: "whole", stream: "whole" },
    ],
  },
});

/** Milliseconds from the request to the first text, and to the end. */
async function measure(guardrail: string): Promise<{ firstMs: number; lastMs: number }> {
  const startedMs = performance.now();
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-everyspan-guardrails": guardrail },
    body: JSON.stringify({
      model: "gpt-4o-mini",
      stream: true,
      messages: [{ role: "user", content: "hello" }],
    }),
  });
  let firstMs = 0;
  let body = "";
  for await (const chunk of response.body ?? []) {
    body += Buffer.from(chunk).toString("latin1");
    if (firstMs === 0 && /"content":"[^"]/.test(body)) firstMs = performance.now() - startedMs;
  }
  return { firstMs, lastMs: performance.now() - startedMs };
}

function median(values: readonly number[]): string {
  const sorted = values.toSorted((left, right) => left - right);
  return (sorted[sorted.length >> 1] ?? 0).toFixed(1);
}

console.log("guardrail      first token (ms, p50)   whole stream (ms, p50)");
for (const guardrail of ["", "holdback-0", "holdback-16", "default", "whole"]) {
  await Promise.all(Array.from({ length: rounds }, () => measure(guardrail)));
  const runs = await Promise.all(Array.from({ length: rounds }, () => measure(guardrail)));
  const [first, last] = [runs.map((run) => run.firstMs), runs.map((run) => run.lastMs)];
  const name = guardrail === "" ? "none" : guardrail;
  console.log(`${name.padEnd(14)} ${median(first).padStart(10)} ${median(last).padStart(24)}`);
}
await gateway.stop();
provider.stop();
