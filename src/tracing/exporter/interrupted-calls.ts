// What an earlier process left open in the ledger, closed as interrupted: journaled calls, and the rows of batches
// that were opened. Exporter thread, when it opens the ledger.

import type { Database } from "bun:sqlite";
import { nothingSpent, type EndedRow } from "../../protocol/ended-rows.ts";
import { rowAttributes, rowSpan, standInSpans } from "../recorder/row-opening.ts";
import { readSpans } from "../recorder/span-decoding.ts";
import { createSpanWriter, type SpanWriter } from "../recorder/span-writer.ts";
import { closeOpenSpans, type Interruption } from "./interrupted-spans.ts";
import type { CallRow } from "./ledger-rows.ts";
import { selectOpenRows, type OpenRow } from "./open-rows.ts";
import { partNumber } from "./ledger-schema.ts";

export interface InterruptedCalls {
  readonly calls: readonly CallRow[];
  /** Rows that stay open: nobody knows how they ended. */
  readonly rows: readonly EndedRow[];
  /** Journals gone wrong: they must cost neither their calls the rest, nor anybody the ledger. */
  readonly unreadable: readonly { readonly call: string; readonly spanCount: number }[];
}

interface Part {
  readonly call: string;
  readonly part: number;
  readonly spanCount: number;
  readonly sampled: number;
  readonly spans: Uint8Array;
}

/** Those of other runs than `run`. */
export function interruptedCalls(
  database: Database,
  run: string,
  aliveAtMs: number,
): InterruptedCalls {
  const parts = database
    .query<Part, [string]>(
      `SELECT call, part, span_count spanCount, sampled, spans FROM open_calls WHERE run <> ?
       ORDER BY opened_at_ms, call, part`,
    )
    .all(run);
  const { readable = [], unreadable = [] } = Object.groupBy(parts, ({ spans }) =>
    readSpans(spans) === undefined ? "unreadable" : "readable",
  );
  const known = Map.groupBy(readable, (part) => part.call);
  const open = selectOpenRows(database, "others", run);
  const writer = createSpanWriter();
  for (const row of open) {
    const { call } = row.opening;
    known.set(call, withOpening(known.get(call) ?? [], row, writer));
  }
  const why: Interruption = {
    endedAtMs: aliveAtMs,
    errorType: "interrupted",
    message: "everyspan stopped while the call was open",
    interrupted: true,
  };
  return {
    calls: Array.from(known, ([call, all]) => ({
      call,
      spans: closeOpenSpans(Buffer.concat(all.map((part) => part.spans)), why),
      spanCount: all.reduce((sum, part) => sum + part.spanCount, 0),
      sampled: all.some((part) => part.sampled === 1),
    })),
    rows: open.map(({ batch, opening: { row, call } }) => ({ ...stillOpen, batch, row, call })),
    unreadable,
  };
}

const stillOpen = { ...nothingSpent, state: "open", result: "" } as const;

/** The parts of a row that were never journaled are those of its opening. */
export function withOpening(
  journaled: readonly Part[],
  row: Pick<OpenRow, "opening" | "origin">,
  writer: SpanWriter,
): Part[] {
  const { opening, origin } = row;
  const common = rowAttributes(origin, opening.row);
  const parts = [
    { part: partNumber.server, spans: [rowSpan(origin, opening)] },
    { part: partNumber.worker, spans: standInSpans(origin, opening) },
  ];
  return parts.map(({ part, spans }) => {
    const own = journaled.find((each) => each.part === part);
    return (
      own ?? {
        call: opening.call,
        part,
        spanCount: spans.length,
        sampled: opening.traceFlags & 1,
        spans: Buffer.from(writer.encode(spans, common), "latin1"),
      }
    );
  });
}
