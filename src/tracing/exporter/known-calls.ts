// Which calls are committed already, of those that may come once more, exporter thread: a server sends again what
// it was not told of when this thread died, or the ledger's file was taken away. An index of all call ids would
// tell, too, at a quarter of the cost of a commit.

import type { Database } from "bun:sqlite";

export interface KnownCalls {
  has(call: string): boolean;
  /** Written just now. */
  add(call: string): void;
  /** Not written after all: the transaction failed. */
  forget(calls: readonly { readonly call: string }[]): void;
  /** All that came again since the ledger was opened has come. */
  forgetResent(): void;
}

/** A server keeps no more than that of what it was not told of (unsettled-calls.ts), in bytes of spans. */
const sameRunBytes = 256 * 1024 * 1024;
/** Another process may have been at it since, in between two threads of this one. */
const otherRunBytes = 2 * 1024 * 1024;
/** Nothing comes twice while a ledger is open; that much is looked after all the same. */
const generationCalls = 4096;

/**
 * Reads from the newest calls what may come again: commits are told in their order, so what a server was not told
 * of is at the ledger's end.
 *
 * @param run names the server's process: what others wrote it does not send
 */
export function openKnownCalls(database: Database, run: string, lastSeq: number): KnownCalls {
  const begun = database
    .query<{ run: string; seq: number }, []>("SELECT run, run_seq seq FROM account")
    .get();
  const isSameRun = begun?.run === run;
  const resent = isSameRun
    ? newestCalls(database, begun.seq, sameRunBytes)
    : newestCalls(database, 0, otherRunBytes);
  if (!isSameRun) {
    database
      .query<unknown, [string, number]>("UPDATE account SET run = ?, run_seq = ?")
      .run(run, lastSeq);
  }
  let newer = new Set<string>();
  let older = new Set<string>();
  return {
    forgetResent: () => resent.clear(),
    has: (call) => newer.has(call) || older.has(call) || (resent.size > 0 && resent.has(call)),
    add(call) {
      if (newer.size === generationCalls) {
        older = newer;
        newer = new Set();
      }
      newer.add(call);
    },
    forget(calls) {
      for (const { call } of calls) {
        newer.delete(call);
        older.delete(call);
      }
    },
  };
}

function newestCalls(database: Database, afterSeq: number, sizeBytesMax: number): Set<string> {
  const rows = database.query<{ call: string; size: number }, [number]>(
    "SELECT call, length(spans) size FROM calls WHERE seq > ? ORDER BY seq DESC",
  );
  const calls = new Set<string>();
  let sizeBytes = 0;
  for (const { call, size } of rows.iterate(afterSeq)) {
    calls.add(call);
    sizeBytes += size;
    if (sizeBytes > sizeBytesMax) break;
  }
  return calls;
}
