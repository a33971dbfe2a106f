// The demo's run: a scripted provider, the real gateway with its real threads, a real OTLP receiver, and
// sixty calls at once over real sockets. Main thread; everything is on loopback and is stopped at the end.

import { join } from "node:path";

import { loadConfig } from "../config/load.ts";
import { startGateway } from "../server/gateway.ts";
import type { Gateway } from "../server/gateway.ts";
import type { SpanAccount } from "../server/metrics-text.ts";
import { createIdSource } from "../tracing/recorder/ids.ts";
import { formatTraceparent } from "../tracing/recorder/propagation.ts";
import { demoCalls, demoRequest } from "./demo-calls.ts";
import type { DemoCall } from "./demo-calls.ts";
import { createDemoFolder } from "./demo-folder.ts";
import { startOtlpReceiver } from "./otlp-receiver.ts";
import type { ReceivedSpan } from "./received-span.ts";
import { startScriptedProvider } from "./scripted-provider.ts";
import { callsOf, problemsOf } from "./whole-trace.ts";
import type { CallTrace } from "./whole-trace.ts";

export interface DemoResult {
  readonly calls: readonly DemoCall[];
  readonly traces: readonly CallTrace[];
  /** Per call that is not whole, what is wrong with it. */
  readonly problems: readonly string[];
  readonly account: SpanAccount;
  readonly exported: number;
  readonly elapsedMs: number;
}

const arriveWithinMs = 10_000;
const settleTriesMax = 40;
/** The demo's client stays this long before it leaves in mid-stream. */
const leaveAfterMs = 100;

export async function runDemo(version: string): Promise<DemoResult> {
  const own = createDemoFolder();
  const folder = own.path;
  const provider = startScriptedProvider();
  const receiver = startOtlpReceiver();
  const file = join(folder, "everyspan.yaml");
  await Bun.write(file, configuration(provider.url, receiver.url));
  const loaded = loadConfig({ path: file, environment: {}, workingDirectory: folder, cores: 2 });
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  const gateway = await startGateway({
    config: loaded.config,
    version,
    notice: (level, text) => console.error(`${level}: ${text}`),
  });
  try {
    const calls = demoCalls();
    const ids = createIdSource();
    const caller = { traceId: ids.traceId(), spanId: ids.spanId(), traceFlags: 1, traceState: "" };
    const traceparent = formatTraceparent({ ...caller, isRemote: false });
    const startedAt = performance.now();
    await Promise.all(calls.map((call) => makeCall(gateway.url, call, traceparent)));
    const elapsedMs = performance.now() - startedAt;
    const spans = await arrived(receiver, spansExpected(calls));
    const traces = callsOf(spans);
    const { spans: account, ledger } = await settledAccount(gateway);
    return {
      calls,
      traces,
      problems: judge(calls, traces, { traceId: caller.traceId, parentSpanId: caller.spanId }),
      account,
      exported: ledger?.destinations[0]?.exported ?? 0,
      elapsedMs,
    };
  } finally {
    await gateway.stop();
    provider.stop();
    receiver.stop();
    own.remove();
  }
}

/** Root, auth, pre_call, chat, an attempt or more, and the guardrail where one was named. */
function spansExpected(calls: readonly DemoCall[]): number {
  return calls.reduce((sum, call) => sum + 4 + call.attempts + guardrailsOf(call), 0);
}

function guardrailsOf(call: DemoCall): number {
  return call.guardrail === "" ? 0 : 1;
}

/** The account once the exporter has noted the receiver's last answer. */
async function settledAccount(gateway: Gateway): ReturnType<Gateway["account"]> {
  for (let tries = 0; ; tries++) {
    const account = await gateway.account();
    const pending = account.ledger?.destinations[0]?.pending ?? 0;
    if ((pending === 0 && account.spans.open === 0) || tries >= settleTriesMax) return account;
    await Bun.sleep(50);
  }
}

async function makeCall(url: string, call: DemoCall, traceparent: string): Promise<void> {
  const leaving = call.leaves ? AbortSignal.timeout(leaveAfterMs) : undefined;
  try {
    const response = await fetch(url + call.route, {
      ...demoRequest(call, traceparent),
      ...(leaving && { signal: leaving }),
    });
    await response.text();
  } catch (error) {
    if (!call.leaves) throw error;
  }
}

async function arrived(
  receiver: ReturnType<typeof startOtlpReceiver>,
  count: number,
): Promise<readonly ReceivedSpan[]> {
  try {
    return await receiver.waitForSpans(count, arriveWithinMs);
  } catch {
    return receiver.spans(); // judged below: what is missing is said call by call
  }
}

function judge(
  calls: readonly DemoCall[],
  traces: readonly CallTrace[],
  caller: { readonly traceId: string; readonly parentSpanId: string },
): string[] {
  const problems: string[] = [];
  if (traces.length !== calls.length) {
    problems.push(`${traces.length} traces for ${calls.length} calls`);
  }
  const retried = calls.filter((call) => call.attempts > 1).length;
  const resent = traces.filter(({ spans }) => attemptsIn(spans) > 1).length;
  if (resent !== retried) problems.push(`${resent} calls with a retry instead of ${retried}`);
  const guarded = calls.reduce((sum, call) => sum + guardrailsOf(call), 0);
  const applied = traces.reduce((sum, { spans }) => sum + guardrailsIn(spans), 0);
  if (applied !== guarded) problems.push(`${applied} guardrail spans instead of ${guarded}`);
  const unsent = calls.filter((call) => call.attempts === 0).length;
  const without = traces.filter(({ spans }) => attemptsIn(spans) === 0).length;
  if (without !== unsent) problems.push(`${without} calls without an attempt instead of ${unsent}`);
  for (const trace of traces) {
    const expected = { ...caller, attempts: attemptsIn(trace.spans) };
    for (const problem of problemsOf(trace, expected))
      problems.push(`${trace.root.name}: ${problem}`);
  }
  return problems;
}

function attemptsIn(spans: readonly ReceivedSpan[]): number {
  return spans.filter((span) => span.name === "POST").length;
}

function guardrailsIn(spans: readonly ReceivedSpan[]): number {
  return spans.filter((span) => span.name.startsWith("apply_guardrail ")).length;
}

function configuration(provider: string, receiver: string): string {
  return `
server: { port: 0 }
pool: { threads: 2 }
providers:
  openai: { api: openai, base_url: "${provider}/v1", api_key: demo }
  anthropic: { api: anthropic, base_url: "${provider}", api_key: demo }
guardrails:
  - { name: keys, type: pattern, modes: [pre_call], builtin: [secrets], action: mask }
  - { name: house-rules, type: pattern, modes: [pre_call], patterns: [{ name: codes, regex: "launch code" }] }
  - { name: codenames, type: pattern, modes: [post_call], patterns: [{ name: bird, regex: "Project Amsel" }] }
tracing:
  ledger: { path: ./ledger.db }
  destinations: [{ name: receiver, endpoint: "${receiver}" }]
`;
}
