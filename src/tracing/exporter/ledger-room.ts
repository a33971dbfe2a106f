// How much of its volume a ledger needs to have left, and what follows from that. Exporter thread; pure.

import { pageSizeBytes } from "./ledger-schema.ts";

/** What a volume has, in bytes. */
export interface VolumeRoom {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export interface RoomPlan {
  /** Kept back for the day the volume is full. */
  readonly reserveBytes: number;
  /** The log is moved into the file beyond that: what is in the log alone has to fit into the reserve. */
  readonly logPagesMax: number;
  /** No commit goes before that is done, beyond that. */
  readonly logPagesLimit: number;
  /** One transaction takes no more commands after that. */
  readonly groupCharsMax: number;
  /** Free pages that retention gives back to the file system in one step. */
  readonly vacuumPages: number;
}

/** What deleting 250 calls writes to the log, at most, and some more. */
const reserveBytesMin = 512 * 1024;
const reserveBytesMax = 16 * 1024 * 1024;
/** Small enough that moving the log stalls commits for a few milliseconds only. */
const logPagesMax = 1000;
const vacuumPagesMax = 64;

/** Where SQLite would do it by itself (`wal_autocheckpoint`). */
const logPagesLimit = 4000;

/** A sixteenth of the volume, within bounds; of that half for the log, the rest for what comes until it is moved. */
export function planRoom(totalBytes: number): RoomPlan {
  const reserveBytes = Math.min(
    reserveBytesMax,
    Math.max(reserveBytesMin, Math.floor(totalBytes / 16)),
  );
  const pages = Math.floor(reserveBytes / pageSizeBytes);
  return {
    reserveBytes,
    logPagesMax: Math.min(logPagesMax, pages >> 1),
    logPagesLimit: reserveBytes < reserveBytesMax ? (pages * 3) >> 2 : logPagesLimit,
    groupCharsMax: reserveBytes >> 3,
    vacuumPages: Math.min(vacuumPagesMax, Math.max(1, pages >> 4)),
  };
}

/** What a ledger has to find in its own file, by deleting what is exported. */
export interface LedgerNeeds {
  /** Free pages, for new calls and to be given back. */
  readonly reusableBytes: number;
  /** Of the free pages, back to the file system. */
  readonly returnedBytes: number;
  /** At most so many in one step: what it writes has to fit into what is left. */
  readonly vacuumPages: number;
}

/** Before the volume is full the file stops to grow; when it is full it shrinks, until the reserve can be made anew. */
export function ledgerNeeds(room: VolumeRoom, plan: RoomPlan, isFull: boolean): LedgerNeeds {
  const { reserveBytes, vacuumPages } = plan;
  const returnedBytes = isFull ? Math.max(0, 2 * reserveBytes - room.freeBytes) : 0;
  const reusableBytes = returnedBytes + (isLow(room, plan) ? 2 * reserveBytes : 0);
  return { reusableBytes, returnedBytes, vacuumPages };
}

/** What is left is for the log and the reserve. */
function isLow({ freeBytes }: VolumeRoom, { reserveBytes }: RoomPlan): boolean {
  return freeBytes < 4 * reserveBytes;
}

/** At full load it may be low, and then full, within a second. */
export function mayFillSoon({ freeBytes }: VolumeRoom, { reserveBytes }: RoomPlan): boolean {
  return freeBytes < 16 * reserveBytes;
}

/** Whether the reserve can be made and leaves as much for the log. */
export function hasRoomForReserve({ freeBytes }: VolumeRoom, { reserveBytes }: RoomPlan): boolean {
  return freeBytes >= 2 * reserveBytes;
}
