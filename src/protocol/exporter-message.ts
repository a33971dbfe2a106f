// What crosses between the server thread and the exporter thread.
// Flat records of primitives only: Bun posts those, and pure strings, almost for free. Spans travel as
// encoded strings (tracing/recorder/span-encoding.ts) which the server never looks into.

/**
 * Server to exporter, as words (exporter-words.ts): all that one turn of the server's loop has to say.
 *
 * - `finished`: the whole call, sealed. Committed atomically and acknowledged by id; sending the same
 *   call id again changes nothing (idempotent), so an unacknowledged call may always be sent again.
 * - `journal`: what is known so far of a call that has been open for a while. Never acknowledged. A later
 *   journal of the same call and part replaces the earlier one. `part` says whose spans these are: the
 *   server's (root, auth, pre_call) or the worker's (chat and below). Spans without an end are open.
 * - `abandoned`: the call's worker is gone. `spans` are the server's own, ended. The exporter adds the
 *   worker part of the journal, closing what is open there at `endedAtMs` with `errorType`; when it has no
 *   worker part, `fallbackSpans` in the same way. These are the same worker part as the server has it, or a
 *   stand-in where the worker never journaled. Committed and acknowledged like `finished`.
 * - `batch`: a batch begins, or goes on. `name` is told once and stands for it; with `restart` its rows are
 *   forgotten first. `origin`: JSON of what its rows' spans have in common (tracing/recorder/row-opening.ts).
 * - `opening`: a batch's rows that are about to be sent, those of one turn of its loop together, as
 *   tracing/recorder/row-opening.ts writes them. Once acknowledged, their provider may be called.
 * - `rows`: the rows of a batch that ended in one turn of its loop, with their calls: all of them are
 *   committed, or none. `rows` is flat, as protocol/ended-rows.ts writes it.
 * - `lost`: the server had to give up on spans that the exporter never heard of; counted and kept.
 * - `account`: asks for the account; answered by an `account` event with the same `request`.
 * - `stop`: commit what is queued, export for at most `exportMs`, close the ledger, answer `stopped`.
 */
export type ExporterCommand =
  | {
      readonly kind: "finished";
      readonly call: string;
      readonly spans: string;
      readonly spanCount: number;
      readonly sampled: boolean;
      /** Refused at the door, before any work: the first to go when the ledger is full. */
      readonly isRefusal?: boolean;
    }
  | {
      readonly kind: "journal";
      readonly call: string;
      readonly part: JournalPart;
      readonly spans: string;
      readonly spanCount: number;
      readonly sampled: boolean;
    }
  | {
      readonly kind: "abandoned";
      readonly call: string;
      readonly spans: string;
      readonly spanCount: number;
      readonly fallbackSpans: string;
      readonly fallbackSpanCount: number;
      readonly sampled: boolean;
      readonly endedAtMs: number;
      readonly errorType: string;
      readonly message: string;
      /** JSON of a {@link RowEnd} where the call is a batch's row: committed with it. */
      readonly row?: string;
      /** What the row became, as the batch wrote it: opaque to the ledger. */
      readonly result?: string;
    }
  | {
      readonly kind: "batch";
      readonly call: string;
      readonly batch: number;
      readonly name: string;
      readonly run: string;
      readonly description: string;
      readonly origin: string;
      readonly restart: boolean;
    }
  | {
      readonly kind: "opening";
      /** Names this message, not a call. */
      readonly call: string;
      readonly batch: number;
      readonly rows: string;
    }
  | {
      readonly kind: "rows";
      /** Names this message, not a call. */
      readonly call: string;
      readonly batch: number;
      readonly rows: readonly (string | number)[];
      /** Of all of them: their spans, and the characters of these and of the results. */
      readonly spanCount: number;
      readonly sizeChars: number;
    }
  | { readonly kind: "lost"; readonly spanCount: number }
  | { readonly kind: "account"; readonly request: number }
  | { readonly kind: "stop"; readonly exportMs: number };

export type JournalPart = "server" | "worker";

/** The commands that end a call. */
export type CallCommand = Extract<ExporterCommand, { kind: "finished" | "abandoned" }>;

/** What a batch has written before anything is sent. */
export type BatchCommand = Extract<ExporterCommand, { kind: "batch" | "opening" }>;

/** Rows of a batch that ended. */
export type RowsCommand = Extract<ExporterCommand, { kind: "rows" }>;

/** What is kept by the server until `committed` or `failed` names it, by its `call`. */
export type AcknowledgedCommand = CallCommand | BatchCommand | RowsCommand;

/** How the sending of a batch's row ended. Figures are this sending's own; the ledger adds them up. */
export interface RowEnd {
  readonly batch: number;
  readonly row: number;
  readonly state: "open" | "ok" | "failed";
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** USD; what is unknown is not in it. */
  readonly cost: number;
  /** Replies whose cost is unknown. */
  readonly unpriced: number;
}

/**
 * Exporter to server.
 *
 * - `ready`: the ledger is open (or, with `error`, is not: `on_failure` applies until it is). `fatal` when
 *   only a person can help (in use by another process, damaged, written by a newer version): `serve` should
 *   then end with that message.
 * - `committed` / `failed`: call ids joined by a space. Failed ones are in the account's `lost` already.
 * - `exported`: under `reply_waits_for: export` only: every destination is done with these calls.
 * - `account`: JSON of {@link Account}.
 * - `health`: reasons for degraded readiness, joined by newlines; empty when all is well.
 * - `notice`: a line for the log.
 * - `stopped`: the last message; JSON of the final {@link Account}.
 */
export type ExporterEvent =
  | { readonly kind: "ready"; readonly error: string; readonly fatal: boolean }
  | { readonly kind: "committed"; readonly calls: string; readonly spanCount: number }
  | { readonly kind: "failed"; readonly calls: string; readonly reason: string }
  | { readonly kind: "exported"; readonly calls: string }
  | { readonly kind: "account"; readonly request: number; readonly account: string }
  | { readonly kind: "health"; readonly ledgerUp: boolean; readonly reasons: string }
  | { readonly kind: "notice"; readonly level: "info" | "warning" | "error"; readonly text: string }
  | { readonly kind: "stopped"; readonly account: string };

/**
 * The exporter's half of the account, in spans unless said otherwise, over the ledger's whole life.
 * recorded = committed + open + lost; the server adds what is open and not journaled.
 */
export interface Account {
  /** Calls in the ledger's whole life. */
  readonly calls: number;
  readonly committed: number;
  /** Spans counted lost by earlier processes and this one: `failed` ones and those told by `lost`. */
  readonly lost: number;
  /** Journaled calls that are still open, and their spans known so far. */
  readonly openCalls: number;
  readonly openSpans: number;
  readonly destinations: readonly DestinationAccount[];
}

/** Spans of one destination since its first call: committed = the sum of the five states. */
export interface DestinationAccount {
  readonly name: string;
  readonly committed: number;
  readonly exported: number;
  readonly pending: number;
  readonly rejected: number;
  readonly expired: number;
  readonly unsampled: number;
  /** `active`, or `paused` when it looks misconfigured. */
  readonly state: "active" | "paused" | "retrying";
  readonly lastError: string;
}

/** Handed to the exporter thread once, as its worker data. */
export interface ExporterStart {
  /** JSON of the validated configuration's `tracing` section (config/schema.ts). */
  readonly tracing: string;
  /** Resource attributes of everyspan itself, JSON of a flat record. */
  readonly resource: string;
  readonly version: string;
  /**
   * Names this process's life, random, the same for every exporter thread it starts: calls journaled by
   * another run are closed as interrupted, those of this run are still under way. Absent: a new run.
   */
  readonly run?: string;
  /** Keeps room back on the ledger's volume, so that it heals when that was full (ledger-reserve.ts). */
  readonly keepsReserve?: boolean;
}
