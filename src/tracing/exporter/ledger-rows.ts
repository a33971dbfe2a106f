// Calls and journals as they go into the ledger, and as they come out of it for a destination. Types only.

import type { JournalPart } from "../../protocol/exporter-message.ts";
import type { SpanBytes } from "./byte-writer.ts";

/** A whole call, ready to be committed. `spans` are concatenated ScopeSpans.spans entries. */
export interface CallRow {
  readonly call: string;
  readonly spans: SpanBytes;
  readonly spanCount: number;
  readonly sampled: boolean;
  /** Refused at the door: the first to go when space runs out. */
  readonly isRefusal?: boolean;
}

/** What is known of an open call, as bytes-in-a-string, to be written for the case that the process dies. */
export interface JournalRow {
  readonly call: string;
  readonly part: JournalPart;
  readonly spans: string;
  readonly spanCount: number;
  readonly sampled: boolean;
}

/** A committed call on its way to a destination. */
export interface BatchCall {
  readonly seq: number;
  readonly call: string;
  readonly spanCount: number;
  readonly spans: SpanBytes;
}

/** How much of them one request takes. */
export interface BatchLimits {
  readonly calls: number;
  readonly sizeBytes: number;
}
