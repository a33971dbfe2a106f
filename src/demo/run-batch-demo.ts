// The demo's second half: sixty labelled messages through a batch that is stopped in the middle and goes on. Main
// thread; the provider is scripted, all on loopback, all gone at the end.

import { join } from "node:path";

import { batchConfig } from "../batch/batch-threads.ts";
import { prepareJob } from "../batch/prepare-job.ts";
import { startBatch, type BatchEnd } from "../batch/run-batch.ts";
import { loadConfig } from "../config/load.ts";
import { openBatchReader, openBatchRows } from "../tracing/exporter/batch-reader.ts";
import { createDemoFolder } from "./demo-folder.ts";
import { startOtlpReceiver } from "./otlp-receiver.ts";
import type { ProviderRequest, Script } from "./provider-script.ts";
import { startScriptedProvider } from "./scripted-provider.ts";
import { supportMessages, supportTopics } from "./support-messages.ts";

export interface BatchDemoResult {
  /** The run that was stopped, and the one that went on. */
  readonly runs: readonly BatchEnd[];
  /** Calls that the provider had, and spans that the receiver has. */
  readonly calls: number;
  readonly exported: number;
  readonly problems: readonly string[];
}

const rows = 60;
const stopAfter = 25;
const lookEveryMs = 5;

export async function runBatchDemo(version: string): Promise<BatchDemoResult> {
  const own = createDemoFolder();
  const folder = own.path;
  const provider = startScriptedProvider({ script: judgeTopic, record: false });
  const receiver = startOtlpReceiver();
  await Bun.write(join(folder, "support.csv"), supportMessages);
  await Bun.write(join(folder, "everyspan.yaml"), configuration(provider.url, receiver.url));
  const runOnce = async (stopsEarly: boolean): Promise<BatchEnd> => {
    const running = await startRun(folder, version);
    const look = setInterval(() => {
      const { figures } = running.progress();
      if (stopsEarly && figures.ok + figures.failed >= stopAfter) running.stop("SIGINT");
    }, lookEveryMs);
    const end = await running.done;
    clearInterval(look);
    return end;
  };
  try {
    const first = await runOnce(true);
    const second = await runOnce(false);
    const exported = receiver.spans().length;
    const calls = provider.callCount();
    return { runs: [first, second], calls, exported, problems: judge(second, calls, exported) };
  } finally {
    provider.stop();
    receiver.stop();
    own.remove();
  }
}

async function startRun(folder: string, version: string): ReturnType<typeof startBatch> {
  const file = join(folder, "everyspan.yaml");
  const loaded = loadConfig({ path: file, environment: {}, workingDirectory: folder, cores: 2 });
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  const output = join(folder, "labelled.csv");
  const prepared = await prepareJob({
    given: {
      model: "gpt-4o-mini",
      prompt: "What is this message about?\n\n{{message}}",
      labels: supportTopics.join(","),
      truth: "topic",
      concurrency: "8",
    },
    config: loaded.config,
    inputPath: join(folder, "support.csv"),
    output,
    name: output,
    workingDirectory: folder,
  });
  if (!prepared.ok) throw new Error(prepared.problems.join("\n"));
  const ledger = join(folder, "run.db");
  const known = openBatchReader(ledger);
  const run = known?.find(output)?.run ?? Bun.randomUUIDv7();
  known?.close();
  return startBatch(prepared.job, {
    config: batchConfig(loaded.config, ledger, 0),
    version,
    batch: 1,
    run,
    caller: undefined,
    openRows: () => openBatchRows(ledger, 1),
    notice: (level, text) => console.error(`${level}: ${text}`),
  });
}

function judge(end: BatchEnd, calls: number, exported: number): string[] {
  const problems: string[] = [];
  const { ok, failed } = end.figures;
  if (ok !== rows || failed !== 0) problems.push(`${ok} rows ok and ${failed} failed of ${rows}`);
  if (calls !== rows) problems.push(`${calls} calls for ${rows} rows`);
  // Each row its own span, `chat` and one attempt; each of the two runs a span.
  const expected = 3 * rows + 2;
  if (exported !== expected) problems.push(`${exported} spans exported instead of ${expected}`);
  return problems;
}

/** A model of modest talent: it goes by single words. */
function judgeTopic({ json }: ProviderRequest): Script {
  const text = JSON.stringify(json?.["messages"] ?? "").toLowerCase();
  const label = /charge|invoice|refund|price|pay|card|cost|discount|billed|receipt/.test(text)
    ? "billing"
    : /log|account|password|owner|admin|sign|authentication|invitation/.test(text)
      ? "account"
      : /please|would|could|wish|have you thought/.test(text)
        ? "idea"
        : "bug";
  const usage = {
    inputTokens: 60,
    outputTokens: 8,
    cachedTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
  };
  return { text: JSON.stringify({ label }), delayMs: 15, usage };
}

function configuration(provider: string, receiver: string): string {
  return `
pool: { threads: 2 }
providers:
  openai: { api: openai, base_url: "${provider}/v1", api_key: demo }
tracing:
  destinations: [{ name: receiver, endpoint: "${receiver}" }]
`;
}
