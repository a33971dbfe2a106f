// Tests: an exporter thread whose ledger is down for as long as it may be, and then some: it gives all up.

import { parentPort, workerData } from "node:worker_threads";
import type { TracingConfig } from "../../src/config/schema.ts";
import type { ExporterEvent, ExporterStart } from "../../src/protocol/exporter-message.ts";
import { readExporterCommands } from "../../src/protocol/exporter-words.ts";
import type { Words } from "../../src/protocol/words.ts";

const { tracing } = workerData as ExporterStart;
const { ledger } = JSON.parse(tracing) as TracingConfig;
const emit = (event: ExporterEvent): void => parentPort?.postMessage(event);
/** As when the ledger goes down while it writes what has waited. */
const afterMs = ledger.commitTimeoutMs + 300;

parentPort?.on("message", (words: Words) =>
  readExporterCommands(words, (command) => {
    if (command.kind === "stop") emit({ kind: "stopped", account: "{}" });
    if (command.kind !== "rows") return;
    setTimeout(() => emit({ kind: "failed", calls: command.call, reason: "full" }), afterMs);
  }),
);
emit({ kind: "ready", error: "", fatal: false });
