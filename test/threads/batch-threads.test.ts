// The threads of a batch, started as a run starts them.

import { expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { startBatchThreads } from "../../src/batch/batch-threads.ts";
import { loadConfig } from "../../src/config/load.ts";

test("what the ledger gives up after all is told as such, and not as late", async () => {
  const loaded = loadConfig({
    path: undefined,
    environment: { OPENAI_API_KEY: "k" },
    workingDirectory: "/nowhere",
    cores: 1,
  });
  if (!loaded.ok) throw new Error(loaded.problems.join());
  const { config } = loaded;
  const ledger = { ...config.tracing.ledger, commitTimeoutMs: 200 };
  const threads = await startBatchThreads(
    { ...config, tracing: { ...config.tracing, ledger } },
    {
      version: "test",
      notice: () => undefined,
      exporterEntry: fileURLToPath(new URL("../support/refusing-exporter.ts", import.meta.url)),
    },
  );
  const rows = { batch: 1, rows: [], spanCount: 0, sizeChars: 0 };
  expect(await threads.exporter.commit({ kind: "rows", call: "c", ...rows })).toBe("failed");
  await threads.stop(0);
}, 20_000);
