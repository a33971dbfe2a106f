// Tests: an exporter thread whose ledger is down for as long as it may be, and then some: it gives all up.

import { parentPort, workerData } from "node:worker_threads";
import type { TracingConfig } from "../../src/config/schema.ts";
import type {
  ExporterCommand,
  ExporterEvent,
  ExporterStart,
} from "../../src/protocol/exporter-message.ts";

const { tracing } = workerData as ExporterStart;
const { ledger } = JSON.parse(tracing) as TracingConfig;
const emit = (event: ExporterEvent): void => parentPort?.postMessage(event);
/** As when the ledger goes down while it writes what has waited. */
const afterMs = ledger.commitTimeoutMs + 300;

parentPort?.on("message", (commands: readonly ExporterCommand[]) => {
  for (const command of commands) {
    if (command.kind === "stop") emit({ kind: "stopped", account: "{}" });
    if (command.kind !== "rows") continue;
    setTimeout(() => emit({ kind: "failed", calls: command.call, reason: "full" }), afterMs);
  }
});
emit({ kind: "ready", error: "", fatal: false });
