// The destinations' side of the ledger, exporter thread: cursors, counters, batches, calls set aside. Each
// function is one transaction; a cursor never moves without the counters that account for it.

import type { DestinationAccount } from "../../protocol/exporter-message.ts";
import { toBytes } from "./byte-writer.ts";
import { readRow, sumPending, type DestinationRow } from "./destination-rows.ts";
import type { BatchCall, BatchLimits } from "./ledger-rows.ts";
import type { Ledger } from "./ledger.ts";

/** One destination's row, mirrored in memory, with the spans it still lacks. */
export interface DestinationLedger {
  readonly name: string;
  cursor(): number;
  /** Calls up to this seq need not be kept for this destination. */
  doneThrough(): number;
  pendingSpans(): number;
  /** Told after each commit. */
  addPending(spans: number): void;
  /** The next sampled calls after `afterSeq` (default: the cursor), oldest first, within the limits. */
  nextBatch(limits: BatchLimits, afterSeq?: number): BatchCall[];
  /** The calls are done with: accepted but for `rejectedSpans` of them (partial success). */
  advance(calls: readonly BatchCall[], rejectedSpans: number): void;
  /** Sets one refused call aside and goes on behind it. */
  setAside(call: BatchCall, reason: string): void;
  /** Takes back what was set aside: the destination, not the calls, was at fault. */
  restore(seqs: readonly number[]): void;
  /** Whether somebody asked for the calls set aside to be sent again; answers once. */
  takeRetryRequest(): boolean;
  /** The oldest call set aside after `afterSeq`. */
  nextSetAside(afterSeq: number): BatchCall | undefined;
  /** A call set aside was accepted after all. */
  acceptSetAside(call: BatchCall): void;
  /** Gives up on everything up to `seq` because space ran out. Returns the spans given up. */
  expireThrough(seq: number): number;
  /** For `everyspan status`, which reads the file. */
  noteState(state: DestinationAccount["state"], lastError: string): void;
  account(): Omit<DestinationAccount, "state" | "lastError">;
}

export function openDestination(ledger: Ledger, name: string): DestinationLedger {
  const { database } = ledger.file;
  const row = readRow(ledger, name);
  let pending = sumPending(ledger, row.cursor, ledger.totals.lastSeq);
  const sizes = database.prepare<{ seq: number; size: number }, [number, number]>(
    `SELECT seq, length(spans) size FROM calls WHERE seq > ? AND sampled = 1
     ORDER BY seq LIMIT ?`,
  );
  const select = database.prepare<BatchCall, [number, number]>(
    `SELECT seq, call, span_count spanCount, spans FROM calls
     WHERE seq > ? AND seq <= ? AND sampled = 1 ORDER BY seq`,
  );
  const update = database.prepare<unknown, [number, number, number, number, string]>(
    "UPDATE destinations SET cursor = ?, exported = ?, rejected = ?, expired = ? WHERE name = ?",
  );
  const callAt = database.prepare<{ call: string }, [number]>(
    "SELECT call FROM calls WHERE seq = ?",
  );
  const readRetry = database.prepare<{ asked: number }, [string]>(
    "SELECT retry_rejected asked FROM destinations WHERE name = ?",
  );
  const write = (next: DestinationRow): void => {
    update.run(next.cursor, next.exported, next.rejected, next.expired, name);
  };
  const spansAfterCursor = (calls: readonly BatchCall[]): number =>
    calls.reduce((sum, call) => sum + (call.seq > row.cursor ? call.spanCount : 0), 0);

  return {
    name,
    cursor: () => row.cursor,
    doneThrough: () => (pending === 0 ? ledger.totals.lastSeq : row.cursor),
    pendingSpans: () => pending,
    addPending(spans) {
      pending += spans;
    },
    nextBatch(limits, afterSeq = row.cursor) {
      const recent = ledger.recent.after(afterSeq, limits);
      if (recent !== undefined) return recent;
      let last = 0;
      let sizeBytes = 0;
      for (const { seq, size } of sizes.all(afterSeq, limits.calls)) {
        sizeBytes += size;
        if (last > 0 && sizeBytes > limits.sizeBytes) break;
        last = seq;
      }
      return last === 0 ? [] : select.all(afterSeq, last);
    },
    advance(calls, rejectedSpans) {
      const last = calls.at(-1);
      if (last === undefined || last.seq <= row.cursor) return;
      // After a ledger was lost and begun anew, its seqs mean other calls.
      if (callAt.get(last.seq)?.call !== last.call) return;
      // What expired while its request was under way is accounted for already.
      const spans = spansAfterCursor(calls);
      const rejected = Math.min(rejectedSpans, spans);
      const next = { ...row, cursor: last.seq, rejected: row.rejected + rejected };
      next.exported += spans - rejected;
      write(next);
      Object.assign(row, next);
      pending -= spans;
    },
    setAside(call, reason) {
      if (call.seq <= row.cursor || callAt.get(call.seq)?.call !== call.call) return;
      const next = { ...row, cursor: call.seq, rejected: row.rejected + call.spanCount };
      database.transaction(() => {
        database
          .query<unknown, [string, number, string, string, number, number, Uint8Array]>(
            "INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?, ?, ?, ?)",
          )
          .run(name, call.seq, call.call, reason, Date.now(), call.spanCount, toBytes(call.spans));
        write(next);
      })();
      Object.assign(row, next);
      pending -= call.spanCount;
    },
    restore(seqs) {
      const first = seqs[0];
      if (first === undefined) return;
      const next = { ...row, cursor: Math.min(row.cursor, first - 1) };
      const found = database.prepare<{ spans: number }, [number]>(
        "SELECT span_count spans FROM calls WHERE seq = ?",
      );
      let restored = 0;
      database.transaction(() => {
        for (const seq of seqs) {
          const call = found.get(seq);
          if (call === null) continue;
          restored += call.spans;
          database
            .query<unknown, [string, number]>(
              "DELETE FROM rejected WHERE destination = ? AND seq = ?",
            )
            .run(name, seq);
        }
        next.rejected -= restored;
        write(next);
      })();
      Object.assign(row, next);
      pending += restored;
    },
    takeRetryRequest() {
      if (readRetry.get(name)?.asked !== 1) return false;
      database
        .query<unknown, [string]>("UPDATE destinations SET retry_rejected = 0 WHERE name = ?")
        .run(name);
      return true;
    },
    nextSetAside: (afterSeq) =>
      database
        .query<BatchCall, [string, number]>(
          `SELECT seq, call, span_count spanCount, spans FROM rejected
           WHERE destination = ? AND seq > ? ORDER BY seq LIMIT 1`,
        )
        .get(name, afterSeq) ?? undefined,
    acceptSetAside(call) {
      const next = { ...row, rejected: row.rejected - call.spanCount };
      next.exported += call.spanCount;
      const isGone = database.transaction(() => {
        const deleted = database
          .query<unknown, [string, number]>(
            "DELETE FROM rejected WHERE destination = ? AND seq = ?",
          )
          .run(name, call.seq);
        if (deleted.changes > 0) write(next);
        return deleted.changes > 0;
      })();
      if (isGone) Object.assign(row, next);
    },
    expireThrough(seq) {
      if (seq <= row.cursor) return 0;
      const spans = sumPending(ledger, row.cursor, seq);
      const next = { ...row, cursor: seq, expired: row.expired + spans };
      write(next);
      Object.assign(row, next);
      pending -= spans;
      return spans;
    },
    noteState(state, lastError) {
      database
        .query<unknown, [string, string, string]>(
          "UPDATE destinations SET state = ?, last_error = ? WHERE name = ?",
        )
        .run(state, lastError, name);
    },
    account: () => ({
      name,
      committed: ledger.totals.committed - row.base_committed,
      exported: row.exported,
      pending,
      rejected: row.rejected,
      expired: row.expired,
      unsampled: ledger.totals.unsampled - row.base_unsampled,
    }),
  };
}
