// What the ledger needs from time to time, exporter thread: the heartbeat that says until when this process was
// alive, retention, checkpoints, room on its volume. In small steps: commits wait behind each of them.

import type { LedgerConfig } from "../../config/schema.ts";
import type { LedgerReserve } from "./ledger-reserve.ts";
import { applyRetention } from "./ledger-retention.ts";
import { hasRoomForReserve, ledgerNeeds, mayFillSoon } from "./ledger-room.ts";
import type { LedgerService } from "./ledger-service.ts";

export interface MaintenanceOptions {
  readonly limits: LedgerConfig;
  readonly service: LedgerService;
  readonly reserve: LedgerReserve | undefined;
  readonly nowMs: () => number;
  /** Nothing waits to be committed. */
  readonly isQuiet: () => boolean;
  /** Once a second, about: whoever wants to look whether there is something to do. */
  readonly onTick: () => void;
  readonly onNotice: (level: "info" | "warning" | "error", text: string) => void;
}

export interface Maintenance {
  /** The ledger's disk is full: looks what can be done about it at once. */
  hurry(): void;
  stop(): void;
}

const heartbeatMs = 250;
const tickMs = 1000;
const behindMs = 10;
/** While calls come and the volume may be full soon. */
const fillingMs = 100;
const truncateEveryMs = 60_000;

export function startMaintenance(options: MaintenanceOptions): Maintenance {
  const { service, reserve, nowMs, onNotice } = options;
  let truncatedAtMs = nowMs();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isMakingReserve = false;
  let seenSeq = 0;
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

  /** In how long there is more to do. */
  const step = (): number => {
    const opened = service.current();
    if (opened === undefined) return tickMs;
    const isFull = service.isFull();
    const room = reserve?.room();
    const needs = reserve && room && ledgerNeeds(room, reserve.plan(), isFull);
    const { expired, isBehind } = applyRetention(opened, options.limits, nowMs(), needs);
    for (const [name, spans] of expired) {
      if (expiring.has(name)) continue;
      const limit = `${options.limits.maxSizeBytes} bytes (max_size)`;
      onNotice("error", `ledger is full at ${limit}: ${spans} and more spans expire for ${name}`);
    }
    if (expired.size > 0 || !isBehind) expiring = new Set(expired.keys());
    if (isFull) {
      opened.ledger.moveLog("TRUNCATE");
    } else if (!isBehind && options.isQuiet()) {
      const isDue = nowMs() - truncatedAtMs > truncateEveryMs;
      opened.ledger.moveLog(isDue ? "TRUNCATE" : "PASSIVE");
      if (isDue) truncatedAtMs = nowMs();
    }
    if (isBehind) return behindMs;
    void keepReserve();
    const { lastSeq } = opened.ledger.totals;
    const isFilling = reserve && room && mayFillSoon(room, reserve.plan()) && lastSeq > seenSeq;
    seenSeq = lastSeq;
    return isFilling === true ? fillingMs : tickMs;
  };

  /** Makes it where it is missing, as soon as there is room; with it the ledger takes calls again. */
  const keepReserve = async (): Promise<void> => {
    if (reserve === undefined || isMakingReserve) return;
    if (!service.isFull() && reserve.isThere()) return;
    const room = reserve.room();
    if (room !== undefined) {
      if (!hasRoomForReserve(room, reserve.plan())) return;
      isMakingReserve = true;
      const isMade = await reserve.make();
      isMakingReserve = false;
      if (!isMade) return;
    }
    service.roomMade();
  };

  const tickIn = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(tick, ms);
  };

  const tick = (): void => {
    tickIn(tickMs); // first: what goes wrong in the step may ask for the next one sooner
    try {
      const nextMs = step();
      if (nextMs !== tickMs) tickIn(nextMs);
      if (nextMs !== behindMs) options.onTick();
    } catch (error) {
      service.fail(error);
    }
  };
  tickIn(service.isFull() ? behindMs : tickMs);

  return {
    hurry: () => tickIn(behindMs),
    stop() {
      clearInterval(heartbeat);
      clearTimeout(timer);
    },
  };
}
