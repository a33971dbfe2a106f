// Which destinations the ledger works for, exporter thread: what a new one begins with, what one that comes
// back has missed. A name keeps its cursor whatever its endpoint is.

import type { DestinationConfig } from "../../config/schema.ts";
import type { Ledger } from "./ledger.ts";

/** A destination's cursor and counters; `base_*` are the account's totals when it began. */
export interface DestinationRow {
  cursor: number;
  base_committed: number;
  base_unsampled: number;
  exported: number;
  rejected: number;
  expired: number;
}

/** Registers the configured destinations and forgets the claim of those no longer configured. */
export function registerDestinations(
  ledger: Ledger,
  configs: readonly Pick<DestinationConfig, "name" | "backfill">[],
): void {
  const { database } = ledger.file;
  const before = database
    .query<{ name: string }, []>("SELECT name FROM destinations WHERE configured = 1")
    .all();
  const present = new Set(before.map(({ name }) => name));
  database.transaction(() => {
    database.run("UPDATE destinations SET configured = 0");
    for (const config of configs) {
      const isKnown = registerDestination(ledger, config);
      if (isKnown && !present.has(config.name)) countMissedAsExpired(ledger, config.name);
    }
  })();
}

/** True when the ledger knew it already. */
function registerDestination(
  ledger: Ledger,
  config: Pick<DestinationConfig, "name" | "backfill">,
): boolean {
  const { file, totals } = ledger;
  const { database } = file;
  const known = database
    .query<unknown, [string]>("UPDATE destinations SET configured = 1 WHERE name = ?")
    .run(config.name);
  if (known.changes > 0) return true;
  const kept = config.backfill
    ? database
        .query<{ first: number | null; spans: number; unsampled: number }, []>(
          `SELECT min(seq) first, coalesce(sum(span_count), 0) spans,
             coalesce(sum(span_count * (1 - sampled)), 0) unsampled FROM calls`,
        )
        .get()
    : null;
  const cursor = kept === null || kept.first === null ? totals.lastSeq : kept.first - 1;
  database
    .query<unknown, [string, number, number, number]>(
      `INSERT INTO destinations (name, cursor, base_committed, base_unsampled)
       VALUES (?, ?, ?, ?)`,
    )
    .run(
      config.name,
      cursor,
      totals.committed - (kept?.spans ?? 0),
      totals.unsampled - (kept?.unsampled ?? 0),
    );
  return false;
}

/** A destination that was away held no calls back: what retention took meanwhile it will never get. */
function countMissedAsExpired(ledger: Ledger, name: string): void {
  const row = readRow(ledger, name);
  const { lastSeq, committed, unsampled } = ledger.totals;
  const accounted = row.exported + row.rejected + row.expired + unsampled - row.base_unsampled;
  const missed =
    committed - row.base_committed - accounted - sumPending(ledger, row.cursor, lastSeq);
  if (missed <= 0) return;
  ledger.file.database
    .query<unknown, [number, string]>(
      "UPDATE destinations SET expired = expired + ? WHERE name = ?",
    )
    .run(missed, name);
}

export function readRow(ledger: Ledger, name: string): DestinationRow {
  const row = ledger.file.database
    .query<DestinationRow, [string]>(
      `SELECT cursor, base_committed, base_unsampled, exported, rejected, expired
       FROM destinations WHERE name = ?`,
    )
    .get(name);
  if (row === null) throw new Error(`destination ${name} is not in the ledger`);
  return { ...row };
}

/**
 * The spans of sampled calls behind `afterSeq`. Counted from the calls themselves, so that the account is
 * checked against them at each start.
 */
export function sumPending(ledger: Ledger, afterSeq: number, throughSeq: number): number {
  const row = ledger.file.database
    .query<{ spans: number }, [number, number]>(
      `SELECT coalesce(sum(span_count), 0) spans FROM calls
       WHERE seq > ? AND seq <= ? AND sampled = 1`,
    )
    .get(afterSeq, throughSeq);
  return row?.spans ?? 0;
}
