// One row from its opening to its commit, main thread. The order is what makes a run resumable: the opening is
// in the ledger before the provider is called, the result with its trace before the slot is given back.

import type { Config } from "../config/schema.ts";
import { toWireError, type WireError } from "../errors/gateway-error.ts";
import type { StreamMessage } from "../protocol/call-task.ts";
import type { WorkerPool } from "../server/worker-pool.ts";
import type { InputRow } from "./input-row.ts";
import type { WrongAnswer } from "./prompt-request.ts";
import { rateHint } from "./rate-headers.ts";
import { abandonRow, commitOpening, commitRow, serverPart } from "./row-commit.ts";
import type { RowCommitDeps } from "./row-commit.ts";
import { readOutcome } from "./row-outcome.ts";
import { addUp, failedOutcome, openState } from "./row-state.ts";
import type { Ended, GoodPlan, RowOutcome, RowState } from "./row-state.ts";
import { taskOf } from "./row-task.ts";
import type { RunTrace } from "./run-trace.ts";
import type { GatePass } from "./send-gate.ts";

export interface RowRunDeps extends RowCommitDeps {
  readonly config: Config;
  readonly pool: WorkerPool;
  readonly trace: RunTrace;
  /** Tries after a wrong answer. */
  readonly answerRetries: number;
}

/** A thread that dies takes its calls along; a row that kills threads is given up. */
const lostThreadsMax = 2;

/**
 * Sends the row until it is settled, and commits it with what `resultOf` makes of it.
 *
 * @throws LedgerLost when the ledger cannot be written
 */
export async function runRow(
  row: InputRow,
  { plan, pass }: { readonly plan: GoodPlan; readonly pass: GatePass },
  resultOf: (outcome: RowOutcome) => string,
  deps: RowRunDeps,
): Promise<RowOutcome> {
  for (let lost = 0; ; lost++) {
    const state = openState(row, plan, { pass, trace: deps.trace });
    await commitOpening(state, deps);
    const settled = await callProvider(state, deps);
    if (settled.kind === "lost" && lost < lostThreadsMax) {
      await abandonRow(state, settled.failure, { deps });
      await pass.again();
      continue;
    }
    const outcome =
      settled.kind === "lost"
        ? failedOutcome(state, settled.failure, deps.clock())
        : settled.outcome;
    if (settled.kind === "lost") {
      await abandonRow(state, settled.failure, { deps, outcome, result: resultOf(outcome) });
    } else {
      await commitRow(state, outcome, { result: resultOf(outcome), deps });
    }
    return outcome;
  }
}

type Settled =
  | { readonly kind: "ended"; readonly outcome: RowOutcome }
  | { readonly kind: "lost"; readonly failure: WireError };

/** All calls of one sending: more than one where answers are wrong. */
async function callProvider(state: RowState, deps: RowRunDeps): Promise<Settled> {
  const { plan, pass } = state;
  let wrong: WrongAnswer | undefined;
  for (;;) {
    const startedMs = deps.clock();
    let result: Ended;
    try {
      result = await runCall(state, plan.request(wrong), deps);
    } catch (error) {
      const failure = toWireError(error);
      if (failure.code === "worker_lost") return { kind: "lost", failure };
      // Nothing was sent: a model that is not there, a guardrail that nobody knows.
      return { kind: "ended", outcome: failedOutcome(state, failure, deps.clock()) };
    }
    addUp(state, result);
    tellGate(state, result, { durationMs: deps.clock() - startedMs, nowMs: deps.clock() });
    const outcome = readOutcome(state, result, deps.clock());
    if (outcome.error !== "invalid_answer" || state.wrongAnswers >= deps.answerRetries) {
      return { kind: "ended", outcome };
    }
    state.wrongAnswers += 1;
    wrong = { text: outcome.text, problem: outcome.message };
    deps.exporter.journal(serverPart(state));
    await pass.again();
  }
}

/** @throws what the pool throws: the thread is gone */
async function runCall(state: RowState, body: string, deps: RowRunDeps): Promise<Ended> {
  const { trace, pass } = state;
  const listener = {
    receive(message: StreamMessage): void {
      if (message.kind === "refused") {
        void pass.refused(message).then(() => deps.pool.resume(trace.call));
      } else if (message.kind === "journal") {
        const { spans, spanCount } = message;
        const { call, sampled } = trace;
        deps.exporter.journal({ kind: "journal", call, part: "worker", spans, spanCount, sampled });
      }
    },
  };
  const result = await deps.pool.run(taskOf(state, body, deps.config), listener);
  // Streams are never asked for; a provider that sends one all the same has broken off, as far as we know.
  if (result.kind === "streamed") throw new Error("a stream that nobody asked for");
  return result;
}

function tellGate(
  { pass }: RowState,
  result: Ended,
  { durationMs, nowMs }: { readonly durationMs: number; readonly nowMs: number },
): void {
  if (result.kind === "reply" && result.status < 400) {
    const tokens = Math.max(0, result.inputTokens) + Math.max(0, result.outputTokens);
    pass.accepted({ durationMs, tokens, hint: rateHint(result.headers, nowMs) });
    return;
  }
  const isOverload =
    result.kind === "failed" ? result.code === "provider_timeout" : result.status >= 500;
  pass.failed(isOverload);
}
