// The rows of a batch that ended in one turn of its loop, as they cross to the exporter: one flat array of primitives,
// so many values a row, for objects cost more to post than what is in them. The only place that knows their order.

import type { RowEnd, RowsCommand } from "./exporter-message.ts";

/** How a sending ended, and what its row became: `result` is opaque to the ledger. */
export interface EndedRow extends RowEnd {
  readonly call: string;
  readonly result: string;
}

/** With the spans of its call, encoded. */
export interface EndedRowCall extends EndedRow {
  readonly spans: string;
  readonly spanCount: number;
  readonly sampled: boolean;
}

/** A row as an earlier run left it. */
export type KnownRow = Pick<EndedRow, "row" | "state" | "result">;

/** What sendings have used. */
export type Spent = Pick<RowEnd, "inputTokens" | "outputTokens" | "cost" | "unpriced">;

export const nothingSpent: Spent = { inputTokens: 0, outputTokens: 0, cost: 0, unpriced: 0 };

/** Call, row, state, spans, their number, sampled, input tokens, output tokens, cost, unpriced, result. */
const wordsPerRow = 11;
const isOk = 1;
const isFailed = 2;

/** `call` names the message. All rows are of that batch, and none of them is open. */
export function toRowsCommand(
  call: string,
  batch: number,
  ended: readonly Omit<EndedRowCall, "batch">[],
): RowsCommand {
  const rows: (string | number)[] = [];
  let spanCount = 0;
  let sizeChars = 0;
  for (const row of ended) {
    rows.push(
      row.call,
      row.row,
      row.state === "ok" ? isOk : isFailed,
      row.spans,
      row.spanCount,
      row.sampled ? 1 : 0,
      row.inputTokens,
      row.outputTokens,
      row.cost,
      row.unpriced,
      row.result,
    );
    spanCount += row.spanCount;
    sizeChars += row.spans.length + row.result.length;
  }
  return { kind: "rows", call, batch, rows, spanCount, sizeChars };
}

export function eachEndedRow(
  { batch, rows }: RowsCommand,
  take: (row: EndedRowCall) => void,
): void {
  for (let at = 0; at < rows.length; at += wordsPerRow) {
    take({
      batch,
      call: rows[at] as string,
      row: rows[at + 1] as number,
      state: rows[at + 2] === isOk ? "ok" : "failed",
      spans: rows[at + 3] as string,
      spanCount: rows[at + 4] as number,
      sampled: rows[at + 5] === 1,
      inputTokens: rows[at + 6] as number,
      outputTokens: rows[at + 7] as number,
      cost: rows[at + 8] as number,
      unpriced: rows[at + 9] as number,
      result: rows[at + 10] as string,
    });
  }
}

/** The calls alone. */
export function eachEndedCall({ rows }: RowsCommand, take: (call: string) => void): void {
  for (let at = 0; at < rows.length; at += wordsPerRow) take(rows[at] as string);
}
