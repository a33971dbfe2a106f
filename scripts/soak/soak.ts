// The soak: a real `serve` under load for as many minutes as given, with every fault of docs/guarantees.md at
// random, killed and restarted again and again on one ledger; then the counting. Ends with the account in one
// line, and fails unless nothing was lost. `bun run soak MINUTES [SEED]`

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { startOtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import type { ReceivedSpan } from "../../src/demo/received-span.ts";
import { startScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { startLoad } from "../../test/support/call-load.ts";
import type { BookedCall } from "../../test/support/call-load.ts";
import { startGatewayProcess } from "../../test/support/gateway-process.ts";
import type { GatewayProcess } from "../../test/support/gateway-process.ts";
import { destinationSum, quietAccount, scrape } from "../../test/support/gateway-metrics.ts";
import { createRandomSource } from "../../test/support/random-source.ts";
import { assertWholeTrace } from "../../test/support/trace-assertions.ts";
import { createArrivals } from "./arrivals.ts";
import { leaveAfterMs, prompt, providerScript, troubleLedger, troubleReceiver } from "./faults.ts";

const minutes = Number(Bun.argv[2] ?? 1);
const random = createRandomSource(Bun.argv[3] === undefined ? undefined : Number(Bun.argv[3]));
if (!(minutes > 0)) {
  console.error("usage: bun run soak MINUTES [SEED]");
  process.exit(2);
}
/** Beyond the 20 ms of the promise: the request's own way, two timers, a machine with other things to do. */
const surelyJournaledMs = 300;
const clients = 24;

const folder = mkdtempSync(join(tmpdir(), "everyspan-soak-"));
const ledger = join(folder, "ledger.db");
const provider = startScriptedProvider({ record: false });
const receiver = startOtlpReceiver();
const arrivals = createArrivals(receiver, checkTrace);
const counts = { answered: 0, due: 0, kills: 0, stops: 0, workersLost: 0 };
/** Traces that must arrive and have not yet. */
const awaited = new Set<string>();

console.log(`soak: ${minutes} minutes, seed ${random.seed}, ledger in ${folder}`);
const endAtMs = performance.now() + minutes * 60_000;
while (performance.now() < endAtMs) await oneLife();
process.exit(await count());

function startServe(): Promise<GatewayProcess> {
  return startGatewayProcess({
    folder,
    readyMs: 30_000,
    config: {
      server: { drain_timeout: "1s", export_on_exit: "500ms" },
      pool: { threads: 2, stall_timeout: "800ms" },
      providers: {
        openai: { api: "openai", base_url: `${provider.url}/v1`, timeout: "1500ms" },
        anthropic: { api: "anthropic", base_url: provider.url, timeout: "1500ms" },
      },
      guardrails: [
        {
          name: "trouble",
          type: "module",
          path: fileURLToPath(new URL("../../test/support/trouble-guardrail.ts", import.meta.url)),
          modes: ["pre_call"],
          always: true,
          timeout: "30s",
        },
      ],
      tracing: {
        destinations: [{ name: "receiver", endpoint: receiver.url, timeout: "1s" }],
        ledger: { path: ledger },
      },
    },
  });
}

/** From one start of `serve` to its end: by `kill -9`, or by a signal that it may answer. */
async function oneLife(): Promise<void> {
  const serve = await startServe();
  const load = startLoad({
    url: serve.url,
    clients,
    random,
    script: providerScript,
    prompt,
    leaveAfterMs,
  });
  const lifeEndsAtMs = performance.now() + random.between(300, 12_000);
  while (performance.now() < Math.min(lifeEndsAtMs, endAtMs)) {
    const what = random.next();
    if (what < 0.35) await troubleReceiver(receiver, random);
    else if (what < 0.5) await troubleLedger(ledger, random);
    else await Bun.sleep(random.between(50, 800));
    const { workerRestarts } = await scrape(serve.url);
    counts.workersLost += workerRestarts > 0 ? 1 : 0;
    arrivals.fold();
  }
  const isKill = random.next() < 0.7;
  counts[isKill ? "kills" : "stops"] += 1;
  serve.kill(isKill ? "SIGKILL" : random.pick(["SIGTERM", "SIGINT"]));
  const endedAtMs = performance.now();
  const exitCode = await serve.exited;
  if (!isKill && exitCode !== 0) arrivals.problems.push(`exit ${exitCode}: ${serve.stderr()}`);
  await load.stop();
  for (const call of load.book) book(call, { endedAtMs, isKill });
  arrivals.fold();
}

/** What must arrive of a call, now that its `serve` is gone. */
function book(call: BookedCall, life: { endedAtMs: number; isKill: boolean }): void {
  // Refused by a `serve` that is leaving: answered without waiting for a commit.
  const isRefused = call.status === 503 && call.sentAtMs > life.endedAtMs - surelyJournaledMs;
  if (isRefused) return;
  const wasOpenMs = life.endedAtMs - call.sentAtMs;
  const isAnswered = call.state === "whole";
  if (isAnswered) counts.answered += 1;
  if (!isAnswered && (call.hasLeft || wasOpenMs < surelyJournaledMs)) return;
  counts.due += 1;
  awaited.add(call.caller.traceId);
}

function checkTrace(spans: readonly ReceivedSpan[]): void {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const root = spans.find(({ parentSpanId }) => !ids.has(parentSpanId));
  const chat = spans.some(({ name }) => name.startsWith("chat "));
  assertWholeTrace(spans, {
    caller: { traceId: root?.traceId ?? "", spanId: root?.parentSpanId ?? "" },
    route: root?.name.replace("POST ", "") ?? "",
    chat,
  });
}

async function count(): Promise<number> {
  receiver.setBehaviour({ kind: "accept" });
  const serve = await startServe();
  const account = await quietAccount(serve.url, 60_000);
  await serve.stop();
  arrivals.fold();
  provider.stop();
  receiver.stop();
  const { problems } = arrivals;
  const missing = [...awaited].filter((traceId) => !arrivals.byTrace.has(traceId));
  for (const traceId of missing) problems.push(`${traceId} is missing`);
  const { recorded, committed, open, lost } = account;
  const states = account.destinations["receiver"] ?? {};
  if (destinationSum(states) !== committed) problems.push("the destination does not add up");
  if (states["exported"] !== arrivals.spanCount()) {
    problems.push(`${states["exported"]} exported, ${arrivals.spanCount()} arrived`);
  }
  if (lost > 0) problems.push(`${lost} spans lost`);
  const interrupted = [...arrivals.byTrace.values()].filter((each) => each.interrupted).length;
  console.log(
    `${counts.answered} calls answered, ${counts.due} due at the receiver, ${missing.length} missing; ` +
      `${interrupted} closed as interrupted in ${counts.kills} kills and ${counts.stops} stops; ` +
      `${counts.workersLost} looks after a lost worker; ` +
      `${arrivals.repeatedRequests()} requests came again`,
  );
  for (const problem of problems.slice(0, 20)) console.error(`problem: ${problem}`);
  console.log(
    `account: ${recorded} recorded = ${committed} committed + ${open} open + ${lost} lost; ` +
      `receiver: ${Object.entries(states)
        .map(([state, spans]) => `${spans} ${state}`)
        .join(" + ")}; ${problems.length} problems; seed ${random.seed}`,
  );
  if (problems.length === 0) rmSync(folder, { recursive: true, force: true });
  else console.error(`the ledger is kept in ${folder}`);
  return problems.length === 0 ? 0 : 1;
}
