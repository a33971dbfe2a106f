// Keeps the ledger within its age and size, exporter thread, a bounded chunk at a time so that a commit never
// waits long behind it. Refused calls go first; what a destination still lacks goes last, and is counted.

import type { LedgerConfig } from "../../config/schema.ts";
import type { OpenedLedger } from "./ledger-keeper.ts";
import { planRoom, type LedgerNeeds } from "./ledger-room.ts";

export interface RetentionResult {
  /** Spans that a destination will now never get, by its name. */
  readonly expired: ReadonlyMap<string, number>;
  /** There is more to do: come back soon. */
  readonly isBehind: boolean;
}

interface OldestCalls {
  /** The last seq that may go; 0 when none may. */
  readonly lastSeq: number;
  readonly isWholeChunk: boolean;
}

const chunkCalls = 250;
/** Free pages beyond this go back to the file system, some at a time; fewer are soon used again. */
const freePagesMax = 2048;
const rejectedKeptMs = 7 * 24 * 3_600_000;

/** Of a volume that is no concern. */
const noNeeds: LedgerNeeds = {
  reusableBytes: 0,
  returnedBytes: 0,
  vacuumPages: planRoom(Infinity).vacuumPages,
};

/** One step. For what the volume lacks only exported calls are deleted. Throws what the ledger throws. */
export function applyRetention(
  opened: OpenedLedger,
  limits: Pick<LedgerConfig, "retentionMs" | "maxSizeBytes">,
  nowMs: number,
  needs: LedgerNeeds = noNeeds,
): RetentionResult {
  const { database } = opened.ledger.file;
  const expired = new Map<string, number>();
  const doneThrough = Math.min(
    opened.ledger.totals.lastSeq,
    ...Array.from(opened.destinations.values(), (destination) => destination.doneThrough()),
  );
  const { refusals } = opened.ledger;
  const deleteCalls = database.query<unknown, [number]>("DELETE FROM calls WHERE seq <= ?");
  const deleteThrough = (seq: number): void => {
    opened.ledger.saveAccount();
    deleteCalls.run(seq);
    refusals.forget(seq);
  };

  const aged = oldestCalls(opened, doneThrough, nowMs - limits.retentionMs);
  if (aged.lastSeq > 0) deleteThrough(aged.lastSeq);
  let isBehind = aged.isWholeChunk;

  const pages = pageFigures(opened);
  const isFull = (pages.total - pages.free) * pages.sizeBytes > limits.maxSizeBytes;
  const mustDelete = isFull || pages.free * pages.sizeBytes < needs.reusableBytes;
  if (mustDelete) opened.ledger.saveAccount();
  if (mustDelete && refusals.deleteOldest(doneThrough, chunkCalls) > 0) {
    isBehind = true;
  } else if (mustDelete) {
    let oldest = oldestCalls(opened, doneThrough, Infinity);
    if (oldest.lastSeq === 0 && isFull) oldest = oldestCalls(opened, Infinity, Infinity);
    if (oldest.lastSeq > 0) {
      database.transaction(() => {
        for (const [name, destination] of opened.destinations) {
          const spans = destination.expireThrough(oldest.lastSeq);
          if (spans > 0) expired.set(name, spans);
        }
        deleteThrough(oldest.lastSeq);
      })();
      isBehind = true;
    } else if (isFull) {
      const deleted = database.run(
        `DELETE FROM rejected WHERE rowid IN
           (SELECT rowid FROM rejected ORDER BY rejected_at_ms LIMIT ${chunkCalls})`,
      );
      isBehind ||= deleted.changes > 0;
    }
  }
  if (!isBehind && pages.free > (needs.returnedBytes > 0 ? 0 : freePagesMax)) {
    database.run(`PRAGMA incremental_vacuum(${needs.vacuumPages})`);
    isBehind = true;
  }
  database
    .query<unknown, [number]>("DELETE FROM rejected WHERE rejected_at_ms < ?")
    .run(nowMs - Math.max(limits.retentionMs, rejectedKeptMs));
  // About what the indexes and the list of free pages take.
  if (isBehind) opened.ledger.noteLogPages(needs.vacuumPages);
  return { expired, isBehind };
}

function oldestCalls(opened: OpenedLedger, throughSeq: number, beforeMs: number): OldestCalls {
  const rows = opened.ledger.file.database
    .query<{ seq: number; at: number }, []>(
      `SELECT seq, committed_at_ms at FROM calls ORDER BY seq LIMIT ${chunkCalls}`,
    )
    .all();
  let lastSeq = 0;
  let count = 0;
  for (const row of rows) {
    if (row.seq > throughSeq || row.at >= beforeMs) break;
    lastSeq = row.seq;
    count += 1;
  }
  return { lastSeq, isWholeChunk: count === chunkCalls };
}

function pageFigures(opened: OpenedLedger): { total: number; free: number; sizeBytes: number } {
  const row = opened.ledger.file.database
    .query<{ total: number; free: number; sizeBytes: number }, []>(
      `SELECT page_count total, freelist_count free, page_size sizeBytes
       FROM pragma_page_count, pragma_freelist_count, pragma_page_size`,
    )
    .get();
  return row ?? { total: 0, free: 0, sizeBytes: 1 };
}
