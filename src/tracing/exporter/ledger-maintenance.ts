// What the ledger needs from time to time, exporter thread: the heartbeat that says until when this process was
// alive, retention, checkpoints. In small steps: commits wait behind each of them.

import type { LedgerConfig } from "../../config/schema.ts";
import { applyRetention } from "./ledger-retention.ts";
import type { LedgerService } from "./ledger-service.ts";

export interface MaintenanceOptions {
  readonly limits: LedgerConfig;
  readonly service: LedgerService;
  readonly nowMs: () => number;
  /** Nothing waits to be committed. */
  readonly isQuiet: () => boolean;
  /** Once a second: whoever wants to look whether there is something to do. */
  readonly onTick: () => void;
  readonly onNotice: (level: "info" | "warning" | "error", text: string) => void;
}

export interface Maintenance {
  stop(): void;
}

const heartbeatMs = 250;
const tickMs = 1000;
const behindMs = 10;
const truncateEveryMs = 60_000;

export function startMaintenance(options: MaintenanceOptions): Maintenance {
  const { service, nowMs, onNotice } = options;
  let truncatedAtMs = nowMs();
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Said once per destination until it stops. */
  let expiring = new Set<string>();

  const heartbeat = setInterval(() => {
    const ledger = service.current()?.ledger;
    if (ledger === undefined) return;
    try {
      if (ledger.openCalls() > 0) ledger.beat();
    } catch (error) {
      service.fail(error);
    }
  }, heartbeatMs);

  const step = (): boolean => {
    const opened = service.current();
    if (opened === undefined) return false;
    const { expired, isBehind } = applyRetention(opened, options.limits, nowMs());
    for (const [name, spans] of expired) {
      if (expiring.has(name)) continue;
      const limit = `${options.limits.maxSizeBytes} bytes (max_size)`;
      onNotice("error", `ledger is full at ${limit}: ${spans} and more spans expire for ${name}`);
    }
    if (expired.size > 0 || !isBehind) expiring = new Set(expired.keys());
    if (!isBehind && options.isQuiet()) {
      const isDue = nowMs() - truncatedAtMs > truncateEveryMs;
      opened.ledger.moveLog(isDue ? "TRUNCATE" : "PASSIVE");
      if (isDue) truncatedAtMs = nowMs();
    }
    return isBehind;
  };

  const tick = (): void => {
    let isBehind = false;
    try {
      isBehind = step();
      if (!isBehind) options.onTick();
    } catch (error) {
      service.fail(error);
    }
    timer = setTimeout(tick, isBehind ? behindMs : tickMs);
  };
  timer = setTimeout(tick, tickMs);

  return {
    stop() {
      clearInterval(heartbeat);
      clearTimeout(timer);
    },
  };
}
