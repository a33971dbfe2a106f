// Runs an exporter on a ledger that no serve holds: calls that a killed process left open are closed, and
// what is pending is exported. Main thread.

import { existsSync } from "node:fs";
import type { Config } from "../config/schema.ts";
import { threadEntry } from "../entrypoints.ts";
import { createExporterThread } from "../server/exporter-thread.ts";
import { reservePath } from "../tracing/exporter/ledger-reserve.ts";
import { systemClock } from "../tracing/recorder/clock.ts";
import { sayNotice } from "./say-notice.ts";

/** How long pending calls may take to be accepted. */
const flushWithinMs = 30_000;

/** Says what went wrong, or nothing. */
export async function flushLedger(
  config: Config,
  path: string,
  version: string,
): Promise<string | undefined> {
  const tracing = { ...config.tracing, ledger: { ...config.tracing.ledger, path } };
  const exporter = createExporterThread({
    entry: threadEntry("exporter"),
    start: {
      tracing: JSON.stringify(tracing),
      resource: JSON.stringify(tracing.resource),
      version,
      keepsReserve: existsSync(reservePath(path)),
    },
    wait: {
      waitsFor: "nothing",
      commitTimeoutMs: tracing.ledger.commitTimeoutMs,
      exportWaitMs: 0,
    },
    clock: systemClock,
    notice: sayNotice,
  });
  const { error } = await exporter.ready;
  const last = await exporter.stop(error === "" ? flushWithinMs : 0);
  if (error !== "") return error;
  if (last === undefined) return "the exporter did not finish in time";
  const waiting = last.destinations.filter(({ pending }) => pending > 0);
  if (waiting.length === 0) return undefined;
  const spans = waiting.map(({ name, pending }) => `${pending} spans for ${name}`).join(", ");
  return `not everything was accepted: ${spans} still wait in the ledger`;
}
