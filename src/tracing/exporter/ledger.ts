// The ledger, exporter thread: totals, open calls and the one transaction that commits calls. What is in
// memory here mirrors the file and changes only after COMMIT; a failed commit leaves both as they were.

import { openRowSpans } from "../recorder/row-opening.ts";
import { createByteWriter, type SpanBytes } from "./byte-writer.ts";
import type { LedgerFile } from "./ledger-file.ts";
import { readJournaledCalls } from "./journaled-calls.ts";
import { pageSizeBytes, partNumber } from "./ledger-schema.ts";
import type { BatchCall, CallRow, JournalRow } from "./ledger-rows.ts";
import { createLedgerRefusals, type LedgerRefusals } from "./ledger-refusals.ts";
import { createLedgerBatches, type BatchWrites } from "./ledger-batches.ts";
import { interruptedCalls } from "./interrupted-calls.ts";
import { openKnownCalls } from "./known-calls.ts";
import { correctTimes, readAliveAtMs, readTotals, type LedgerTotals } from "./ledger-totals.ts";
import { createRecentCalls, type RecentCalls } from "./recent-calls.ts";

/** What one commit added. `sampledSpans` is what every destination now has to export in addition. */
export interface Committed {
  readonly spans: number;
  readonly sampledSpans: number;
}

export interface Ledger {
  readonly file: LedgerFile;
  readonly totals: Readonly<LedgerTotals>;
  readonly recent: RecentCalls;
  readonly refusals: LedgerRefusals;
  /** Commits all of it in one transaction, or throws and changes nothing. Known call ids change nothing. */
  commit(
    calls: readonly CallRow[],
    journals: Iterable<JournalRow>,
    lost: number,
    batch?: BatchWrites,
  ): Committed;
  /** The journaled worker part of an open call. */
  workerPart(call: string): { readonly spans: Uint8Array; readonly spanCount: number } | undefined;
  /** Commits what earlier processes left open, closed as interrupted. Returns how many calls. */
  closeInterrupted(): number;
  /** What the server sent again has all been committed. */
  forgetResent(): void;
  beat(): void;
  /** Has the account's row count all calls: before any of them is deleted. */
  saveAccount(): void;
  /** Pages written to the log since it was last moved into the file, roughly. */
  logPages(): number;
  /** Others wrote, too. */
  noteLogPages(pages: number): void;
  /** Moves the log into the file, as far as no reader needs it; TRUNCATE empties it, too. */
  moveLog(how: "PASSIVE" | "TRUNCATE"): void;
  openCalls(): number;
  openSpans(): number;
}

/** What a transaction writes besides its calls: two ends of pages, the page above, the file's first. */
const commitPages = 4;

/** Its row is a page of every commit that writes it; whoever opens the ledger counts that many calls at most. */
const saveEveryCalls = 256;

const interruptedBytesMax = 64 * 1024;

interface NewCall extends BatchCall {
  readonly sampled: boolean;
}

export interface LedgerOptions {
  /** Names this process's life: what other runs left open was interrupted. */
  readonly run: string;
  readonly nowMs: () => number;
  /** How much of what was committed last stays in memory for the destinations. */
  readonly recentBytesMax: number;
}

export function openLedger(file: LedgerFile, options: LedgerOptions): Ledger {
  const { database } = file;
  const { run, nowMs } = options;
  const begin = database.prepare("BEGIN IMMEDIATE");
  const end = database.prepare("COMMIT");
  const insertCall = database.prepare<
    unknown,
    [number, string, number, number, number, Uint8Array]
  >("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?)");
  const insertPart = database.prepare<
    unknown,
    [string, number, string, number, number, number, Uint8Array]
  >(
    `INSERT INTO open_calls VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (call, part) DO UPDATE
       SET span_count = excluded.span_count, sampled = excluded.sampled, spans = excluded.spans`,
  );
  const deleteOpen = database.prepare<unknown, [string]>("DELETE FROM open_calls WHERE call = ?");
  const updateAccount = database.prepare<unknown, [number, number, number, number, number, number]>(
    `UPDATE account SET last_seq = ?, calls = ?, committed = ?, unsampled = ?, lost = ?,
       alive_at_ms = ?`,
  );
  const updateAlive = database.prepare<unknown, [number]>("UPDATE account SET alive_at_ms = ?");
  const selectPart = database.prepare<{ spans: Uint8Array; span_count: number }, [string, number]>(
    "SELECT spans, span_count FROM open_calls WHERE call = ? AND part = ?",
  );
  const batches = createLedgerBatches(database, run);
  const refusals = createLedgerRefusals(database);
  const totals = readTotals(database);
  const aliveAtMs = readAliveAtMs(database);
  correctTimes(database, nowMs());
  const known = openKnownCalls(database, run, totals.lastSeq);
  const open = readJournaledCalls(database);
  const recent = createRecentCalls(totals.lastSeq, options.recentBytesMax);
  const blob = createByteWriter();
  let logBytes = 0;
  /** The account's row counts the calls up to here at least. */
  let savedSeq = 0;

  const writeAccount = (next: LedgerTotals, now: number): void => {
    updateAccount.run(next.lastSeq, next.calls, next.committed, next.unsampled, next.lost, now);
  };

  const asBlob = (spans: SpanBytes): Uint8Array => {
    if (typeof spans !== "string") return spans;
    blob.clear();
    blob.put(spans);
    return blob.bytes();
  };

  /** Writes those that are new; `fresh` gets them with their places, `next` counts them. */
  const writeCalls = (
    calls: readonly CallRow[],
    fresh: NewCall[],
    { next, now }: { readonly next: LedgerTotals; readonly now: number },
  ): void => {
    for (const { call, spans, spanCount, sampled, isRefusal } of calls) {
      if (known.has(call)) continue;
      const seq = next.lastSeq + 1;
      fresh.push({ seq, call, spanCount, spans, sampled });
      known.add(call);
      insertCall.run(seq, call, now, spanCount, sampled ? 1 : 0, asBlob(spans));
      next.lastSeq = seq;
      if (isRefusal === true) refusals.note(seq);
      next.calls += 1;
      next.committed += spanCount;
      if (!sampled) next.unsampled += spanCount;
      if (open.size > 0 && open.has(call)) deleteOpen.run(call);
    }
  };

  const commit: Ledger["commit"] = (calls, journals, lost, batch) => {
    const now = nowMs();
    const next = { ...totals, lost: totals.lost + lost };
    const journaled: JournalRow[] = [];
    let written = commitPages * pageSizeBytes;
    const fresh: NewCall[] = [];
    let isSaved = false;
    begin.run();
    try {
      writeCalls(calls, fresh, { next, now: Math.floor(now) });
      for (const row of journals) {
        if (known.has(row.call)) continue;
        const bytes = Buffer.from(row.spans, "latin1");
        const part = partNumber[row.part];
        const sampled = row.sampled ? 1 : 0;
        const at = Math.floor(now);
        insertPart.run(row.call, part, run, at, row.spanCount, sampled, bytes);
        journaled.push(row);
        written += bytes.length;
      }
      if (batch !== undefined) written += batches.write(newOf(batch, calls.length, fresh));
      isSaved = lost > 0 || next.lastSeq - savedSeq >= saveEveryCalls;
      if (isSaved) writeAccount(next, now);
      end.run();
    } catch (error) {
      // SQLite may have rolled back by itself (disk full); then there is nothing left to undo.
      known.forget(fresh);
      if (database.inTransaction) database.run("ROLLBACK");
      throw error;
    }
    const spans = next.committed - totals.committed;
    const sampledSpans = spans - (next.unsampled - totals.unsampled);
    Object.assign(totals, next);
    if (isSaved) savedSeq = next.lastSeq;
    for (const call of fresh) if (call.sampled) recent.add(call);
    for (const row of calls) {
      if (open.size > 0) open.delete(row.call);
      written += row.spans.length;
    }
    batches.written(batch, calls);
    logBytes += written;
    for (const row of journaled) {
      const parts = open.get(row.call) ?? { server: 0, worker: 0 };
      parts[row.part] = row.spanCount;
      open.set(row.call, parts);
    }
    return { spans, sampledSpans };
  };

  /** A row that is open may have journals, too. */
  const openFigures = (): { readonly calls: number; readonly spans: number } => {
    let unjournaled = batches.openRows();
    let spans = 0;
    for (const [call, parts] of open) {
      const isRow = batches.isOpen(call);
      if (isRow) unjournaled -= 1;
      spans += isRow ? openRowSpans(parts) : parts.server + parts.worker;
    }
    return {
      calls: open.size + unjournaled,
      spans: spans + unjournaled * openRowSpans({ server: 0, worker: 0 }),
    };
  };

  return {
    file,
    totals,
    recent,
    refusals,
    commit,
    workerPart(call) {
      if (!open.has(call)) return undefined;
      const row = selectPart.get(call, partNumber.worker);
      return row === null ? undefined : { spans: row.spans, spanCount: row.span_count };
    },
    closeInterrupted() {
      const { calls, rows, unreadable } = interruptedCalls(database, run, aliveAtMs);
      for (const some of inChunks(calls)) {
        const names = new Set(some.map(({ call }) => call));
        commit(some, [], 0, { begun: [], rows: rows.filter(({ call }) => names.has(call)) });
      }
      batches.forgetOthers();
      const lost = unreadable.reduce((sum, { spanCount }) => sum + spanCount, 0);
      if (lost > 0) commit([], [], lost);
      for (const { call } of unreadable) {
        deleteOpen.run(call);
        open.delete(call);
      }
      return calls.length;
    },
    noteLogPages(pages) {
      logBytes += pages * pageSizeBytes;
    },
    logPages: () => Math.floor(logBytes / pageSizeBytes),
    moveLog(how) {
      logBytes = 0;
      database.query(`PRAGMA wal_checkpoint(${how})`).all();
    },
    forgetResent: known.forgetResent,
    beat: () => void updateAlive.run(nowMs()),
    saveAccount() {
      if (savedSeq === totals.lastSeq) return;
      writeAccount(totals, nowMs());
      savedSeq = totals.lastSeq;
    },
    openCalls: () => openFigures().calls,
    openSpans: () => openFigures().spans,
  };
}

/** Few enough for one transaction on a volume that is nearly full. */
function* inChunks(calls: readonly CallRow[]): Iterable<CallRow[]> {
  let chunk: CallRow[] = [];
  let sizeBytes = 0;
  for (const call of calls) {
    chunk.push(call);
    sizeBytes += call.spans.length;
    if (sizeBytes < interruptedBytesMax) continue;
    yield chunk;
    chunk = [];
    sizeBytes = 0;
  }
  if (chunk.length > 0) yield chunk;
}

/** Without the rows whose calls were known: their ends came with these calls. */
function newOf(writes: BatchWrites, calls: number, fresh: readonly NewCall[]): BatchWrites {
  if (writes.rows.length === 0 || fresh.length === calls) return writes;
  const names = new Set(fresh.map(({ call }) => call));
  return { ...writes, rows: writes.rows.filter(({ call }) => names.has(call)) };
}
