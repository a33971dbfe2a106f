// The exporter thread's entry: the port, the clock, the outside. Attaches its listener before anything else, and
// never throws from it: an error there would take the thread, and what it has not yet committed, with it.

import { parentPort, workerData } from "node:worker_threads";
import type { TracingConfig } from "../../config/schema.ts";
import type {
  ExporterCommand,
  ExporterEvent,
  ExporterStart,
} from "../../protocol/exporter-message.ts";
import { readExporterCommands } from "../../protocol/exporter-words.ts";
import type { Words } from "../../protocol/words.ts";
import { createWallClock } from "../recorder/clock.ts";
import { createExporter, type Exporter } from "./exporter.ts";

startThread();

function startThread(): void {
  const port = parentPort;
  if (port === null) throw new Error("the exporter runs as a thread");
  const early: ExporterCommand[] = [];
  const started: { exporter?: Exporter } = {};
  const emit = (event: ExporterEvent): void => port.postMessage(event);

  const receive = (command: ExporterCommand): void => {
    try {
      if (started.exporter === undefined) early.push(command);
      else started.exporter.receive(command);
    } catch (error) {
      emit({ kind: "notice", level: "error", text: `exporter: ${String(error)}` });
    }
  };

  port.on("message", (words: Words) => readExporterCommands(words, receive));

  // The configuration was validated before it was written into this JSON.
  const start = workerData as ExporterStart;
  const exporter = createExporter({
    tracing: JSON.parse(start.tracing) as TracingConfig,
    resource: JSON.parse(start.resource) as Record<string, string>,
    version: start.version,
    run: start.run ?? Bun.randomUUIDv7(),
    keepsReserve: start.keepsReserve === true,
    emit,
    nowMs: createWallClock(),
    random: Math.random,
    fetch: (url, init) => fetch(url, init),
    onStopped: () => port.close(),
  });
  started.exporter = exporter;
  for (const command of early) receive(command);
}
