// Reads a ledger for `everyspan status`, while a serve holds it or none does. Any thread, a handle of its own;
// it never writes calls, creates nothing and repairs nothing.

import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import type { Account, DestinationAccount } from "../../protocol/exporter-message.ts";
import { readSpans, type DecodedSpan } from "../recorder/span-decoding.ts";
import {
  damagedLedger,
  folderLedger,
  ledgerProblem,
  newerLedger,
  userVersion,
} from "./ledger-file.ts";
import { ledgerVersion } from "./ledger-schema.ts";
import { totalsQuery } from "./ledger-totals.ts";
import { openRowSpans } from "../recorder/row-opening.ts";
import { createSpanWriter } from "../recorder/span-writer.ts";
import { readJournaledCalls } from "./journaled-calls.ts";
import { withOpening } from "./interrupted-calls.ts";
import { selectOpenRows } from "./open-rows.ts";

export type LedgerReading =
  | { readonly ok: true; readonly reader: LedgerReader }
  | { readonly ok: false; readonly error: string };

export interface LedgerReader {
  /** Only destinations of the last serve; `pending` is counted from the calls themselves. */
  account(): Account;
  /** Newest first. A trace's calls include those still open. */
  calls(which: { readonly last: number } | { readonly trace: string }): LedgerCall[];
  /** What destinations refused for good, newest first. */
  rejected(): RejectedCall[];
  close(): void;
}

export interface LedgerCall {
  readonly call: string;
  /** When it was committed, or for an open call when it was first journaled. */
  readonly atMs: number;
  readonly isOpen: boolean;
  readonly sampled: boolean;
  /** False where its bytes went wrong: what could be read of it is in `spans`. */
  readonly isReadable: boolean;
  readonly spans: readonly DecodedSpan[];
}

export interface RejectedCall {
  readonly destination: string;
  readonly call: string;
  readonly reason: string;
  readonly rejectedAtMs: number;
  readonly spanCount: number;
  readonly traceId: string;
}

interface CallRecord {
  readonly call: string;
  readonly at: number;
  readonly sampled: number;
  readonly spans: Uint8Array;
}

/** Opens the ledger at `path` for reading; says in one line why it cannot. */
export function openLedgerReader(path: string): LedgerReading {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined) return { ok: false, error: `there is no ledger at ${path} (yet)` };
  if (there.isDirectory()) return { ok: false, error: folderLedger(path) };
  let database: Database | undefined;
  try {
    database = new Database(path, { readonly: true, strict: true });
    database.run("PRAGMA busy_timeout = 2000");
    const version = userVersion(database);
    if (version > 0 && version <= ledgerVersion)
      return { ok: true, reader: ledgerReader(database) };
    database.close();
    const error =
      version > ledgerVersion
        ? newerLedger(path, version)
        : damagedLedger(path, "it holds no calls table");
    return { ok: false, error };
  } catch (error) {
    database?.close();
    return { ok: false, error: ledgerProblem(path, error).error };
  }
}

/**
 * Asks the serve that holds the ledger, or the next one, to send a destination's rejected calls again.
 * False when the destination has none.
 */
export function requestRetry(path: string, destination: string): boolean {
  const database = new Database(path, { readwrite: true, create: false, strict: true });
  try {
    database.run("PRAGMA busy_timeout = 2000");
    const marked = database
      .query<unknown, [string]>(
        `UPDATE destinations SET retry_rejected = 1
         WHERE name = ?1 AND EXISTS (SELECT 1 FROM rejected WHERE destination = ?1)`,
      )
      .run(destination);
    return marked.changes > 0;
  } finally {
    database.close();
  }
}

function ledgerReader(database: Database): LedgerReader {
  return {
    account: () => database.transaction(() => readAccount(database))(),
    calls(which) {
      if ("trace" in which) return database.transaction(() => readTrace(database, which.trace))();
      const rows = database.query<CallRecord, [number]>(
        `SELECT call, committed_at_ms at, sampled, spans FROM calls ORDER BY seq DESC LIMIT ?`,
      );
      return rows.all(which.last).map((row) => ledgerCall(row, false, [row.spans]));
    },
    rejected: () =>
      database
        .query<Omit<RejectedCall, "traceId"> & { readonly spans: Uint8Array }, []>(
          `SELECT destination, call, reason, rejected_at_ms rejectedAtMs, span_count spanCount,
             spans FROM rejected ORDER BY rejected_at_ms DESC, seq DESC`,
        )
        .all()
        .map(({ spans, ...row }) => ({ ...row, traceId: readSpans(spans)?.[0]?.traceId ?? "" })),
    close: () => database.close(),
  };
}

/** A call's first span begins with its trace id, so that only the head of each row is looked at. */
function readTrace(database: Database, trace: string): LedgerCall[] {
  if (!/^[0-9a-f]{32}$/i.test(trace)) return [];
  const id = Uint8Array.fromHex(trace);
  const committed = database
    .query<CallRecord, [Uint8Array]>(
      `SELECT call, committed_at_ms at, sampled, spans FROM calls
       WHERE instr(substr(spans, 1, 64), ?) > 0 ORDER BY seq DESC`,
    )
    .all(id);
  const open = database
    .query<OpenPart, [Uint8Array]>(
      `SELECT call, opened_at_ms at, sampled, spans, part, span_count spanCount FROM open_calls
       WHERE instr(substr(spans, 1, 64), ?) > 0 ORDER BY opened_at_ms DESC, call, part`,
    )
    .all(id);
  const parts = Map.groupBy(open, (row) => row.call);
  const writer = createSpanWriter();
  for (const row of selectOpenRows(database, "all")) {
    const { call, traceId, startMs } = row.opening;
    if (traceId !== trace.toLowerCase()) continue;
    const all = withOpening(parts.get(call) ?? [], row, writer);
    parts.set(
      call,
      all.map((part) => ({ at: Math.floor(startMs), ...part })),
    );
  }
  return [
    ...Array.from(parts.values(), (all) =>
      ledgerCall(
        all[0] as CallRecord,
        true,
        all.map(({ spans }) => spans),
      ),
    ),
    ...committed.map((row) => ledgerCall(row, false, [row.spans])),
  ];
}

interface OpenPart extends CallRecord {
  readonly part: number;
  readonly spanCount: number;
}

function ledgerCall(row: CallRecord, isOpen: boolean, parts: readonly Uint8Array[]): LedgerCall {
  const read = parts.map(readSpans);
  return {
    call: row.call,
    atMs: row.at,
    isOpen,
    sampled: row.sampled === 1,
    isReadable: !read.includes(undefined),
    spans: read.flatMap((spans) => spans ?? []),
  };
}

function readAccount(database: Database): Account {
  const totals = database
    .query<Pick<Account, "calls" | "committed" | "lost">, []>(totalsQuery)
    .get();
  const open = readJournaledCalls(database);
  const rows = new Set(selectOpenRows(database, "all").map(({ opening }) => opening.call));
  let openSpans = 0;
  for (const call of rows) openSpans += openRowSpans(open.get(call) ?? { server: 0, worker: 0 });
  for (const [call, { server, worker }] of open) if (!rows.has(call)) openSpans += server + worker;
  const destinations = database
    .query<DestinationAccount, []>(
      `SELECT name, a.committed - base_committed committed, exported, rejected, expired,
         a.unsampled - base_unsampled unsampled, state, last_error lastError,
         (SELECT coalesce(sum(span_count), 0) FROM calls WHERE seq > cursor AND sampled = 1) pending
       FROM destinations, (${totalsQuery}) a WHERE configured = 1 ORDER BY name`,
    )
    .all();
  return {
    calls: totals?.calls ?? 0,
    committed: totals?.committed ?? 0,
    lost: totals?.lost ?? 0,
    openCalls: new Set([...rows, ...open.keys()]).size,
    openSpans,
    destinations: destinations.map((row) => ({ ...row })),
  };
}
