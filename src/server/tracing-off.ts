// What stands in the exporter's place when tracing is switched off (`tracing.disabled`, OTEL_SDK_DISABLED):
// nothing is recorded, nothing is kept, and no reply waits. Server thread.

import type { ExporterThread } from "./exporter-thread.ts";

export function createTracingOff(): ExporterThread {
  return {
    ready: Promise.resolve({ error: "", fatal: false }),
    commit: () => Promise.resolve("committed"),
    journal: () => undefined,
    workerPart: () => undefined,
    account: () => Promise.resolve(undefined),
    health: () => ({ ledgerUp: true, reasons: [] }),
    handedOverSpans: () => 0,
    unsettledSpans: () => 0,
    stop: () => Promise.resolve(undefined),
  };
}
