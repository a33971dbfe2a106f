// `bun run fuzz [N] [--seed=S]`: N rubbish requests (100,000 by default) to a real gateway whose provider
// answers rubbish as well. Every request and reply follows from the seed and its number, so that a finding
// can be had again. Ends with 1 if an answer was wrong, something crashed, leaked, or does not add up.

import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  fuzzGuardrails,
  fuzzModule,
  startFuzzGuardrailServer,
} from "../test/fuzz/fuzz-guardrails.ts";
import { startFuzzProvider } from "../test/fuzz/fuzz-provider.ts";
import { fuzzRequest, promptCanary } from "../test/fuzz/fuzz-requests.ts";
import { checkTraces } from "../test/fuzz/fuzz-traces.ts";
import { startFuzzReceiver } from "../test/fuzz/fuzz-receiver.ts";
import { findFault, isMasked } from "../test/fuzz/fuzz-verdict.ts";
import { createLine } from "../test/fuzz/raw-exchange.ts";
import { scrape } from "../test/support/gateway-metrics.ts";
import { startGatewayProcess } from "../test/support/gateway-process.ts";
import { waitFor } from "../test/support/wait-for.ts";

const linesAtOnce = 48;
const bodyBytesMax = 256 * 1024;
const faultsShownMax = 20;
/** What memory may grow by once the first fifth has warmed everything up. */
const growthBytesMax = 200 * 1024 * 1024;

const words = process.argv.slice(2);
if (!words.every((word) => /^(?:--seed=)?\d+$/.test(word))) {
  console.error("usage: bun run fuzz [REQUESTS] [--seed=N]");
  process.exit(2);
}
const total = Number(words.find((word) => /^\d+$/.test(word)) ?? 100_000);
const given = words.find((word) => word.startsWith("--seed="))?.slice("--seed=".length);
const seed = given === undefined ? randomInt(2 ** 31) : Number(given);

const faults: string[] = [];
const counts = new Map<string, number>();
let next = 0;
let slowestMs = 0;
let warmBytes = 0;
/** Of the destination's spans. */
let states: Readonly<Record<string, number>> = {};

const provider = startFuzzProvider(seed, (index, body) => {
  // With its number: another request's header may say this one's.
  const isSeen = Buffer.from(body).includes(`${promptCanary} ${index}"`);
  if (isSeen && isMasked(fuzzRequest(seed, index, bodyBytesMax))) {
    faults.push(`request ${index}: the provider was sent what was to be masked`);
  }
});
const guardrailServer = startFuzzGuardrailServer(seed);
const receiver = startFuzzReceiver(seed);
const folder = mkdtempSync(join(tmpdir(), "everyspan-fuzz-"));
writeFileSync(join(folder, fuzzModule.file), fuzzModule.source);
const base = `http://127.0.0.1:${provider.port}`;
const faces = { api_key: "sk-fuzz", retries: 0, timeout: "400ms" };
const gateway = await startGatewayProcess({
  folder,
  config: {
    guardrails: fuzzGuardrails(guardrailServer.url),
    tracing: { destinations: [{ name: "fuzz", endpoint: receiver.endpoint }] },
    server: { max_body: `${bodyBytesMax}B` },
    providers: {
      openai: { api: "openai", base_url: `${base}/v1`, ...faces },
      anthropic: { api: "anthropic", base_url: base, ...faces },
    },
  },
});
const { port } = new URL(gateway.url);
const ended: { code?: number | null } = {};
void gateway.exited.then((code) => {
  ended.code = code;
});

console.log(`fuzz: ${total} requests, seed ${seed}`);
const startedMs = performance.now();
await Promise.all(Array.from({ length: linesAtOnce }, sendOnOneLine));
const seconds = (performance.now() - startedMs) / 1000;
await findLeaks();
await gateway.stop();
provider.stop();
guardrailServer.stop();
receiver.stop();
const traces = checkTraces(join(folder, "ledger.db"));
faults.push(...traces.faults);
rmSync(folder, { recursive: true, force: true });
report();
process.exit(faults.length === 0 ? 0 : 1);

async function sendOnOneLine(): Promise<void> {
  const line = createLine(Number(port));
  while (next < total && ended.code === undefined) {
    const index = next++;
    if (index === Math.floor(total / 5)) warmBytes = residentBytes();
    const request = fuzzRequest(seed, index, bodyBytesMax);
    const sentMs = performance.now();
    try {
      const outcome = await line.exchange(request);
      const tookMs = performance.now() - sentMs;
      if (!request.spoils) slowestMs = Math.max(slowestMs, tookMs);
      const answer =
        outcome.kind === "reply" ? `${Math.floor(outcome.status / 100)}xx` : outcome.kind;
      count(`${request.kind} ${answer}`);
      const fault = findFault(request, outcome);
      if (fault !== undefined) faults.push(`request ${index} (${request.kind}): ${fault}`);
    } catch (error) {
      faults.push(`request ${index} (${request.kind}): ${String(error)}`);
    }
  }
  line.close();
}

/** Afterwards: alive, nothing in flight, every span accounted for, no bug in the log, memory flat. */
async function findLeaks(): Promise<void> {
  if (ended.code !== undefined) {
    faults.push(`the gateway ended with ${ended.code}`);
    return;
  }
  try {
    await waitFor(
      async () => (await metric("everyspan_calls_in_flight")) === 0,
      10_000,
      "no call in flight",
    );
    const { recorded, committed, lost, open, workerRestarts, destinations } = await scrape(
      gateway.url,
    );
    if (recorded !== committed) faults.push(`${recorded} spans recorded, ${committed} committed`);
    if (lost + open !== 0) faults.push(`${lost} spans lost, ${open} open`);
    if (workerRestarts !== 0) faults.push(`${workerRestarts} workers died`);
    states = destinations["fuzz"] ?? {};
    const settled = Object.values(states).reduce((sum, spans) => sum + spans, 0);
    if (settled !== committed)
      faults.push(`${settled} of ${committed} spans in the account of the destination`);
  } catch (error) {
    faults.push(String(error));
  }
  const grownBytes = residentBytes() - warmBytes;
  if (total >= 50_000 && grownBytes > growthBytesMax) {
    faults.push(`memory grew by ${Math.round(grownBytes / 2 ** 20)} MiB`);
  }
  const bug = /^.*\ba bug in\b[^]*$/m.exec(gateway.stderr())?.[0];
  if (bug !== undefined) faults.push(bug.slice(0, 2000));
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}

/** Resident memory of the gateway; 0 where the system has no /proc. */
function residentBytes(): number {
  const { stdout } = Bun.spawnSync(["ps", "-o", "rss=", "-p", String(gateway.pid)]);
  return Number(stdout.toString().trim()) * 1024;
}

function count(name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function report(): void {
  for (const [name, times] of [...counts].toSorted(([a], [b]) => a.localeCompare(b)))
    console.log(`  ${name.padEnd(24)} ${times}`);
  const rate = Math.round(total / seconds);
  console.log(
    `fuzz: ${total} requests in ${seconds.toFixed(1)} s (${rate}/s), ${provider.requests()} reached the ` +
      `provider, ${guardrailServer.requests()} the guardrails' server, slowest ${slowestMs.toFixed(0)} ms, memory ${Math.round(warmBytes / 2 ** 20)} MiB when warm`,
  );
  console.log(`fuzz: ${traces.calls} traces read back whole, ${traces.guarded} with guardrails`);
  console.log(`fuzz: ${receiver.requests()} exports, spans ${JSON.stringify(states)}`);
  if (faults.length === 0) return;
  for (const fault of faults.slice(0, faultsShownMax)) console.error(`fault: ${fault}`);
  console.error(gateway.stderr().slice(-3000));
  console.error(`fuzz: ${faults.length} faults; again with: bun run fuzz ${total} --seed=${seed}`);
}
