// Which calls of the ledger were refused at the door, exporter thread. When space runs out these go first, so
// that a flood of them evicts no other call. A table of its own: most ledgers hold few of them.

import type { Database } from "bun:sqlite";

export interface LedgerRefusals {
  /** Within the transaction of its call. */
  note(seq: number): void;
  /** Deletes the oldest refused calls up to `throughSeq`, and says how many. */
  deleteOldest(throughSeq: number, callsMax: number): number;
  /** All calls up to `throughSeq` are deleted. */
  forget(throughSeq: number): void;
}

export function createLedgerRefusals(database: Database): LedgerRefusals {
  const insert = database.prepare<unknown, [number]>("INSERT INTO refusals VALUES (?)");
  const remove = database.prepare<unknown, [number]>("DELETE FROM refusals WHERE seq <= ?");
  const oldest = database.prepare<{ last: number | null; count: number }, [number, number]>(
    `SELECT max(seq) last, count(*) count FROM
       (SELECT seq FROM refusals WHERE seq <= ? ORDER BY seq LIMIT ?)`,
  );
  const removeCalls = database.prepare<unknown, [number]>(
    "DELETE FROM calls WHERE seq IN (SELECT seq FROM refusals WHERE seq <= ?)",
  );

  return {
    note: (seq) => void insert.run(seq),
    deleteOldest(throughSeq, callsMax) {
      const { last = null, count = 0 } = oldest.get(throughSeq, callsMax) ?? {};
      if (last === null) return 0;
      database.transaction(() => {
        removeCalls.run(last);
        remove.run(last);
      })();
      return count;
    },
    forget: (throughSeq) => void remove.run(throughSeq),
  };
}
