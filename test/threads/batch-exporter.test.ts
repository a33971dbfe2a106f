// The exporter thread dies under a batch, again and again: no row is missing or twice, none is paid for twice, and the
// account adds up. Real threads, a real ledger, a real provider and receiver.

import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readFileSync, writeFileSync } from "node:fs";
import { batchConfig } from "../../src/batch/batch-threads.ts";
import { prepareJob } from "../../src/batch/prepare-job.ts";
import { startBatch } from "../../src/batch/run-batch.ts";
import { loadConfig } from "../../src/config/load.ts";
import { startOtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import { startScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { openBatchRows } from "../../src/tracing/exporter/batch-reader.ts";
import { assertAddsUp, temporaryFolder } from "../support/exporter-harness.ts";

setDefaultTimeout(60_000);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const rowCount = 1200;

async function run(hit: (channel: BroadcastChannel, calls: number) => void) {
  const folder = temporaryFolder();
  cleanups.push(folder.remove);
  const mortal = crypto.randomUUID();
  const channel = new BroadcastChannel(mortal);
  cleanups.push(() => channel.close());
  const receiver = startOtlpReceiver();
  cleanups.push(receiver.stop);
  let calls = 0;
  const provider = startScriptedProvider({
    script: () => {
      hit(channel, ++calls);
      return { text: "fine", delayMs: 5 };
    },
  });
  cleanups.push(provider.stop);
  const lines = Array.from({ length: rowCount }, (_, id) =>
    JSON.stringify({ id, text: `row-${id}-` }),
  );
  writeFileSync(join(folder.path, "in.jsonl"), `${lines.join("\n")}\n`);
  const settings = {
    pool: { threads: 1 },
    providers: { openai: { api: "openai", base_url: `${provider.url}/v1`, api_key: "k" } },
    tracing: { destinations: [{ name: "main", endpoint: receiver.url }] },
  };
  writeFileSync(join(folder.path, "everyspan.yaml"), JSON.stringify(settings));
  const loaded = loadConfig({
    path: join(folder.path, "everyspan.yaml"),
    environment: {},
    workingDirectory: folder.path,
    cores: 1,
  });
  if (!loaded.ok) throw new Error(loaded.problems.join());
  const output = join(folder.path, "out.jsonl");
  const prepared = await prepareJob({
    given: { prompt: "{{text}}", model: "gpt-4o-mini", concurrency: "32" },
    config: loaded.config,
    inputPath: join(folder.path, "in.jsonl"),
    output,
    name: output,
    workingDirectory: folder.path,
  });
  if (!prepared.ok) throw new Error(prepared.problems.join());
  const ledger = join(folder.path, "run.db");
  const config = batchConfig(loaded.config, ledger, 1e9);
  const notices: string[] = [];
  const running = await startBatch(prepared.job, {
    config: { ...config, tracing: { ...config.tracing, resource: { mortal } } },
    version: "test",
    batch: 1,
    run: Bun.randomUUIDv7(),
    caller: undefined,
    openRows: () => openBatchRows(ledger, 1),
    notice: (_, text) => notices.push(text),
    exporterEntry: fileURLToPath(new URL("../support/mortal-exporter.ts", import.meta.url)),
  });
  const end = await running.done;
  const rows = readFileSync(output, "utf8").trimEnd().split("\n");
  return {
    end,
    notices,
    provider,
    receiver,
    ids: rows.map((row) => (JSON.parse(row) as { id: number }).id),
  };
}

test.each(["throw", "exit"] as const)(
  "an exporter that dies by %s under a batch loses no row, no span, and pays for nothing twice",
  async (how) => {
    const { end, notices, provider, receiver, ids } = await run((channel, calls) => {
      if (calls % 300 === 150) channel.postMessage(how);
    });
    expect(end.stoppedBy).toBe("");
    expect(notices.filter((text) => text.includes("being restarted")).length).toBeGreaterThan(1);
    expect(end.figures).toMatchObject({ ok: rowCount, failed: 0, sentAgain: 0 });
    expect(ids).toEqual(Array.from({ length: rowCount }, (_, at) => at));
    expect(provider.callCount()).toBe(rowCount);
    const { ledger } = end;
    if (ledger === undefined) throw new Error("no account");
    assertAddsUp(ledger);
    // The run's own span, and three for each row.
    expect(ledger).toMatchObject({ calls: rowCount + 1, committed: rowCount * 3 + 1, lost: 0 });
    expect(ledger).toMatchObject({ openCalls: 0, openSpans: 0 });
    const arrived = new Set(receiver.spans().map(({ spanId }) => spanId));
    expect(arrived.size).toBe(rowCount * 3 + 1);
  },
);
