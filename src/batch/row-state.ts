// One sending of a row while it is under way, and what it came to. Main thread; made when the row is sent, gone
// when it is settled.

import type { WireError } from "../errors/gateway-error.ts";
import type { CallResult } from "../protocol/call-task.ts";
import type { RowOpening } from "../tracing/recorder/row-opening.ts";
import type { InputRow } from "./input-row.ts";
import type { RowPlan } from "./row-plan.ts";
import type { GatePass } from "./send-gate.ts";

/** How a row went; the figures are of all its calls. */
export interface RowOutcome {
  readonly call: string;
  readonly traceId: string;
  /** Empty when it is ok: the provider's status, or a code. */
  readonly error: string;
  readonly message: string;
  readonly status: number;
  readonly requestId: string;
  /** What the provider answered last, parsed; undefined when it did not. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly text: string;
  readonly label: string | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly hasUsage: boolean;
  readonly cost: number;
  readonly unpriced: number;
  readonly retries: number;
  readonly durationMs: number;
}

export type GoodPlan = Extract<RowPlan, { ok: true }>;
export type Ended = Exclude<CallResult, { readonly kind: "streamed" }>;

export interface RowState {
  readonly row: InputRow;
  /** Of the row in the output. */
  readonly place: number;
  readonly plan: GoodPlan;
  readonly pass: GatePass;
  readonly opening: RowOpening;
  /** Threads that went down with it, earlier sendings included. */
  readonly lostThreads: number;
  /** It was refused, and the run was stopped before it could be repeated. */
  isGivenUp: boolean;
  /** When its last call was sent. */
  sentMs: number;
  /** The worker's spans of calls that have ended. */
  spans: string;
  spanCount: number;
  lastEndMs: number;
  inputTokens: number;
  outputTokens: number;
  hasUsage: boolean;
  cost: number;
  unpriced: number;
  attempts: number;
  wrongAnswers: number;
}

export function openState(
  row: InputRow,
  sending: Pick<RowState, "place" | "plan" | "pass" | "opening" | "lostThreads">,
): RowState {
  return {
    row,
    place: sending.place,
    plan: sending.plan,
    pass: sending.pass,
    opening: sending.opening,
    lostThreads: sending.lostThreads,
    isGivenUp: false,
    sentMs: 0,
    spans: "",
    spanCount: 0,
    lastEndMs: 0,
    inputTokens: 0,
    outputTokens: 0,
    hasUsage: false,
    cost: 0,
    unpriced: 0,
    attempts: 0,
    wrongAnswers: 0,
  };
}

/** Adds a call's figures to its row's. */
export function addUp(state: RowState, { outcome }: Ended): void {
  state.spans += outcome.spans;
  state.spanCount += outcome.spanCount;
  state.lastEndMs = Math.max(state.lastEndMs, outcome.lastEndMs);
  state.attempts += outcome.attempts;
  if (outcome.inputTokens < 0) return;
  state.hasUsage = true;
  state.inputTokens = sumOf(state.inputTokens, outcome.inputTokens);
  state.outputTokens = sumOf(state.outputTokens, Math.max(0, outcome.outputTokens));
  const cost = state.cost + outcome.cost;
  if (outcome.cost >= 0 && Number.isFinite(cost)) state.cost = cost;
  else state.unpriced += 1;
}

/** Counts are the provider's: the ledger takes whole numbers, and these only as far as they are exact. */
function sumOf(before: number, more: number): number {
  return Math.min(Math.round(before + more), Number.MAX_SAFE_INTEGER);
}

/** The row as it stands, with what `said` adds. */
export function outcomeOf(
  state: RowState,
  nowMs: number,
  said: Partial<RowOutcome> = {},
): RowOutcome {
  const { opening } = state;
  return {
    call: opening.call,
    traceId: opening.traceId,
    error: said.error ?? "",
    message: said.message ?? "",
    status: said.status ?? 0,
    requestId: said.requestId ?? "",
    body: said.body,
    text: said.text ?? "",
    label: said.label,
    inputTokens: state.inputTokens,
    outputTokens: state.outputTokens,
    hasUsage: state.hasUsage,
    cost: state.cost,
    unpriced: state.unpriced,
    retries: Math.max(0, state.attempts - 1),
    durationMs: nowMs - opening.startMs,
  };
}

export function failedOutcome(state: RowState, failure: WireError, nowMs: number): RowOutcome {
  return outcomeOf(state, nowMs, { error: failure.code, message: failure.message });
}
