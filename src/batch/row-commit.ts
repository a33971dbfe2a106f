// What a row writes to the ledger, main thread: its opening before anything is sent, then its end.

import type { WireError } from "../errors/gateway-error.ts";
import type { RowEnd } from "../protocol/exporter-message.ts";
import type { ExporterThread } from "../server/exporter-thread.ts";
import { createCallSpans } from "../tracing/recorder/call-spans.ts";
import type { Clock } from "../tracing/recorder/clock.ts";
import type { IdSource } from "../tracing/recorder/ids.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import { SpanKind } from "../tracing/recorder/span-encoding.ts";
import type { SpanWriter } from "../tracing/recorder/span-writer.ts";
import type { RowOutcome, RowState } from "./row-state.ts";

export interface RowCommitDeps {
  readonly exporter: ExporterThread;
  readonly clock: Clock;
  readonly ids: Pick<IdSource, "spanId">;
  readonly writer: SpanWriter;
  readonly batch: number;
}

/** The ledger does not take any more: nothing may be sent. */
export class LedgerLost extends Error {
  override readonly name = "LedgerLost";
}

/** The row and its open spans, with a `chat` that stands in until the worker's own is journaled. */
export async function commitOpening(state: RowState, deps: RowCommitDeps): Promise<void> {
  const { trace, row } = state;
  const standIn = createCallSpans(deps, trace.context);
  const { model } = state.plan.facts;
  standIn.start({
    name: `chat ${model}`,
    kind: SpanKind.client,
    attributes: { [attr.operationName]: "chat", [attr.requestModel]: model },
  });
  const outcome = await deps.exporter.commit({
    kind: "opening",
    call: trace.call,
    batch: deps.batch,
    row: row.number,
    spans: trace.encode(),
    spanCount: 1,
    standIn: standIn.encode(trace.common),
    standInCount: 1,
    sampled: trace.sampled,
  });
  if (outcome !== "committed") throw new LedgerLost("the ledger did not take a row's opening");
}

/** Commits the row with its trace, in one transaction.
 *
 * @throws LedgerLost when the ledger cannot be written
 */
export async function commitRow(
  state: RowState,
  outcome: RowOutcome,
  { result, deps }: { readonly result: string; readonly deps: RowCommitDeps },
): Promise<void> {
  const { trace } = state;
  if (outcome.error !== "") trace.fail(outcome.error, outcome.message.slice(0, 200));
  trace.end(state.lastEndMs);
  const settled = await deps.exporter.commit({
    kind: "finished",
    call: trace.call,
    spans: trace.encode() + state.spans,
    spanCount: 1 + state.spanCount,
    sampled: trace.sampled,
    row: JSON.stringify(rowEnd(state, outcome, deps.batch)),
    result,
  });
  if (settled === "failed") throw new LedgerLost("the ledger did not take a row");
}

/** The row's thread is gone: its trace is closed from the journal; without an outcome the row stays open. */
export async function abandonRow(
  state: RowState,
  failure: WireError,
  {
    outcome,
    result = "",
    deps,
  }: { readonly outcome?: RowOutcome; readonly result?: string; readonly deps: RowCommitDeps },
): Promise<void> {
  const { trace } = state;
  const workerPart = deps.exporter.workerPart(trace.call);
  trace.fail(failure.code, failure.message);
  trace.end(0);
  await deps.exporter.commit({
    kind: "abandoned",
    call: trace.call,
    spans: trace.encode() + state.spans,
    spanCount: 1 + state.spanCount,
    fallbackSpans: workerPart?.spans ?? "",
    fallbackSpanCount: workerPart?.spanCount ?? 0,
    sampled: trace.sampled,
    endedAtMs: trace.root.endMs ?? trace.root.startMs,
    errorType: failure.code,
    message: failure.message,
    row: JSON.stringify(rowEnd(state, outcome, deps.batch)),
    result,
  });
}

function rowEnd(state: RowState, outcome: RowOutcome | undefined, batch: number): RowEnd {
  const { inputTokens, outputTokens, cost, unpriced } = state;
  return {
    batch,
    row: state.row.number,
    state: outcome === undefined ? "open" : outcome.error === "" ? "ok" : "failed",
    inputTokens,
    outputTokens,
    cost,
    unpriced,
  };
}

/** What is known of a row between two of its calls. */
export function serverPart(state: RowState): Parameters<ExporterThread["journal"]>[0] {
  const { trace, spans, spanCount } = state;
  return {
    kind: "journal",
    call: trace.call,
    part: "server",
    spans: trace.encode() + spans,
    spanCount: 1 + spanCount,
    sampled: trace.sampled,
  };
}
