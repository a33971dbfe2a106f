// The ledger's totals as its file has them: the account's row, which is written now and then, and the calls
// committed behind it. Exporter thread and readers.

import type { Database } from "bun:sqlite";

export interface LedgerTotals {
  lastSeq: number;
  calls: number;
  committed: number;
  unsampled: number;
  lost: number;
}

/** One row: {@link LedgerTotals}. */
export const totalsQuery = `
SELECT coalesce(max(seq), last_seq) lastSeq, calls + count(seq) calls,
  committed + coalesce(sum(span_count), 0) committed,
  unsampled + coalesce(sum(span_count * (1 - sampled)), 0) unsampled, lost
FROM account LEFT JOIN calls ON seq > last_seq GROUP BY id`;

export function readTotals(database: Database): LedgerTotals {
  const row = database.query<LedgerTotals, []>(totalsQuery).get();
  if (row === null) throw new Error("the account's row is missing");
  return { ...row };
}

/**
 * The newest calls have times that are still to come where the clock was ahead, and has been set back: they are as old
 * as can be told, for otherwise they would hold back what is to go by age.
 */
export function correctTimes(database: Database, nowMs: number): void {
  database
    .query<unknown, [number]>(
      `UPDATE calls SET committed_at_ms = ?1 WHERE seq > coalesce(
         (SELECT seq FROM calls WHERE committed_at_ms <= ?1 ORDER BY seq DESC LIMIT 1), 0)`,
    )
    .run(Math.floor(nowMs));
}

/** When the process that wrote last was last known alive, in milliseconds since the epoch. */
export function readAliveAtMs(database: Database): number {
  const row = database
    .query<{ at: number }, []>(
      `SELECT max(alive_at_ms,
         coalesce((SELECT committed_at_ms FROM calls ORDER BY seq DESC LIMIT 1), 0),
         coalesce((SELECT max(opened_at_ms) FROM open_calls), 0)) at
       FROM account`,
    )
    .get();
  return row?.at ?? 0;
}
