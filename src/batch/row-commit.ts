// What rows write to the ledger, main thread: their opening before anything is sent, then their end. Those of one
// turn of the loop go together.

import type { WireError } from "../errors/gateway-error.ts";
import { toRowsCommand, type EndedRowCall } from "../protocol/ended-rows.ts";
import type { ExporterCommand, RowEnd } from "../protocol/exporter-message.ts";
import type { ExporterThread } from "../server/exporter-thread.ts";
import type { Clock } from "../tracing/recorder/clock.ts";
import type { IdSource } from "../tracing/recorder/ids.ts";
import { sampledFlag } from "../tracing/recorder/propagation.ts";
import {
  rowAttributes,
  rowSpan,
  standInSpans,
  writeOpenings,
  type RowsOrigin,
} from "../tracing/recorder/row-opening.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import { StatusCode } from "../tracing/recorder/span-encoding.ts";
import type { SpanWriter } from "../tracing/recorder/span-writer.ts";
import type { RowOutcome, RowState } from "./row-state.ts";
import type { RowRecord } from "./tally.ts";

export interface RowCommitDeps {
  readonly exporter: Pick<ExporterThread, "commit" | "journal" | "workerPart">;
  readonly clock: Clock;
  readonly ids: Pick<IdSource, "callId">;
  readonly writer: SpanWriter;
  readonly batch: number;
  readonly origin: RowsOrigin;
}

/** A row that is settled. `result`: its record as the ledger keeps it. */
export interface SettledRow {
  readonly state: RowState;
  readonly outcome: RowOutcome;
  readonly record: RowRecord;
  readonly result: string;
}

/** Whether the ledger has them: then they may be sent. */
export async function commitOpenings(
  states: readonly RowState[],
  { exporter, ids, batch, origin }: RowCommitDeps,
): Promise<boolean> {
  const rows = writeOpenings(
    origin,
    states.map(({ opening }) => opening),
  );
  const outcome = await exporter.commit({ kind: "opening", call: ids.callId(), batch, rows });
  return outcome === "committed";
}

/** Commits the rows with their traces, in one transaction. Whether the ledger has them, or will. */
export async function commitRows(
  settled: readonly SettledRow[],
  deps: RowCommitDeps,
): Promise<boolean> {
  const { exporter, ids, batch } = deps;
  const ended = settled.map((row) => endedRow(row, deps));
  const outcome = await exporter.commit(toRowsCommand(ids.callId(), batch, ended));
  return outcome !== "failed";
}

function endedRow(
  { state, outcome, result }: SettledRow,
  deps: RowCommitDeps,
): Omit<EndedRowCall, "batch"> {
  const { opening, inputTokens, outputTokens, cost, unpriced } = state;
  const { error, message } = outcome;
  const own = endedSpan(state, { errorType: error, message: message.slice(0, 200), deps });
  return {
    call: opening.call,
    row: opening.row,
    state: error === "" ? "ok" : "failed",
    spans: own + state.spans,
    spanCount: 1 + state.spanCount,
    sampled: (opening.traceFlags & sampledFlag) !== 0,
    inputTokens,
    outputTokens,
    cost,
    unpriced,
    result,
  };
}

/**
 * The row's thread is gone: its trace is closed from the journal; what is not settled stays open. Whether the ledger
 * has it, or will.
 */
export async function abandonRow(
  state: RowState,
  failure: WireError,
  { settled, deps }: { readonly settled: SettledRow | undefined; readonly deps: RowCommitDeps },
): Promise<boolean> {
  const { opening } = state;
  const { origin, writer } = deps;
  const { code, message } = failure;
  const workerPart = deps.exporter.workerPart(opening.call);
  const standIn = standInSpans(origin, opening);
  const commit = await deps.exporter.commit({
    kind: "abandoned",
    call: opening.call,
    spans: endedSpan(state, { errorType: code, message, deps }) + state.spans,
    spanCount: 1 + state.spanCount,
    fallbackSpans: workerPart?.spans ?? writer.encode(standIn, rowAttributes(origin, opening.row)),
    fallbackSpanCount: workerPart?.spanCount ?? standIn.length,
    sampled: (opening.traceFlags & sampledFlag) !== 0,
    endedAtMs: Math.max(deps.clock(), opening.startMs),
    errorType: code,
    message,
    row: JSON.stringify(rowEnd(state, settled?.outcome, deps.batch)),
    result: settled?.result ?? "",
  });
  return commit !== "failed";
}

function rowEnd(state: RowState, outcome: RowOutcome | undefined, batch: number): RowEnd {
  const { inputTokens, outputTokens, cost, unpriced } = state;
  return {
    batch,
    row: state.opening.row,
    state: outcome === undefined ? "open" : outcome.error === "" ? "ok" : "failed",
    inputTokens,
    outputTokens,
    cost,
    unpriced,
  };
}

/** What is known of a row between two of its calls. */
export function serverPart(
  state: RowState,
  { origin, writer }: RowCommitDeps,
): Extract<ExporterCommand, { kind: "journal" }> {
  const { opening } = state;
  const own = writer.encode([rowSpan(origin, opening)], rowAttributes(origin, opening.row));
  return {
    kind: "journal",
    call: opening.call,
    part: "server",
    spans: own + state.spans,
    spanCount: 1 + state.spanCount,
    sampled: (opening.traceFlags & sampledFlag) !== 0,
  };
}

/** The row's own span, ended now. */
function endedSpan(
  { opening, lastEndMs }: RowState,
  end: { readonly errorType: string; readonly message: string; readonly deps: RowCommitDeps },
): string {
  const { errorType, deps } = end;
  const span = rowSpan(deps.origin, opening);
  const endMs = Math.max(deps.clock(), opening.startMs, lastEndMs);
  const isError = errorType !== "";
  return deps.writer.encode(
    [
      {
        ...span,
        endMs,
        attributes: isError ? { ...span.attributes, [attr.errorType]: errorType } : span.attributes,
        statusCode: isError ? StatusCode.error : StatusCode.unset,
        statusMessage: isError ? end.message : "",
      },
    ],
    rowAttributes(deps.origin, opening.row),
  );
}
