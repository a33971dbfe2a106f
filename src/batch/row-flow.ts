// Rows from the gate to their commit, main thread. The order is what makes a run resumable: a row's opening is in
// the ledger before the provider is called, its result with its trace before the slot is given back. What rows of
// one turn of the loop have to say to another thread goes in one message.

import { toWireError, type WireError } from "../errors/gateway-error.ts";
import type { CallResult, CallTask, StreamMessage } from "../protocol/call-task.ts";
import type { WorkerPool } from "../server/worker-pool.ts";
import type { InputRow } from "./input-row.ts";
import type { WrongAnswer } from "./prompt-request.ts";
import { rateHint } from "./rate-headers.ts";
import { createRowSuspects } from "./row-suspects.ts";
import { abandonRow, commitOpenings, commitRows, serverPart } from "./row-commit.ts";
import type { RowCommitDeps, SettledRow } from "./row-commit.ts";
import { readOutcome } from "./row-outcome.ts";
import { writeResult } from "./row-result.ts";
import { addUp, failedOutcome, openState } from "./row-state.ts";
import type { Ended, GoodPlan, RowOutcome, RowState } from "./row-state.ts";
import type { TaskMaker } from "./row-task.ts";
import type { RunTrace } from "./run-trace.ts";
import type { GatePass, SendGate } from "./send-gate.ts";
import type { RowRecord } from "./tally.ts";

export interface RowFlow {
  /** Takes a row that has passed the gate; `place` is its place in the output. */
  readonly send: (
    row: InputRow,
    sending: { readonly place: number; readonly plan: GoodPlan; readonly pass: GatePass },
  ) => void;
}

export interface RowFlowDeps extends RowCommitDeps {
  readonly pool: Pick<WorkerPool, "run" | "resume" | "cancel">;
  readonly gate: SendGate;
  readonly trace: Pick<RunTrace, "openRow">;
  readonly taskOf: TaskMaker;
  /** Tries after a wrong answer. */
  readonly answerRetries: number;
}

/** Each row ends in one of the last two, once: then its slot is to be given back. */
export interface RowEvents {
  /** What a row is to leave behind. */
  readonly recordOf: (state: RowState, outcome: RowOutcome) => RowRecord;
  readonly committed: (state: RowState, record: RowRecord) => void;
  /** The row is not settled: the ledger cannot be written, or a bug of ours. */
  readonly broken: (state: RowState, error: unknown) => void;
}

/** A thread that dies takes its calls along; a row that kills threads is given up. */
const lostThreadsMax = 2;

export function createRowFlow(deps: RowFlowDeps, events: RowEvents): RowFlow {
  const { clock, gate, pool } = deps;
  let opening: RowState[] = [];
  let settled: SettledRow[] = [];
  let isScheduled = false;
  const suspects = createRowSuspects();

  /** Whatever goes wrong with a row ends it, and nothing else. */
  const guarded = (states: readonly RowState[], work: Promise<void>): void => {
    work.catch((error: unknown) => {
      for (const state of states) broken(state, error);
    });
  };

  const broken = (state: RowState, error: unknown): void => {
    suspects.over(state.row.number);
    events.broken(state, error);
  };

  /** What one row's end meets must not end the others of its turn once more. */
  const tellCommitted = ({ state, record }: SettledRow): void => {
    try {
      events.committed(state, record);
    } catch (error) {
      broken(state, error);
    }
  };

  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(flush);
  };

  function flush(): void {
    isScheduled = false;
    const [opened, ended] = [opening, settled];
    opening = [];
    settled = [];
    const openAll = async (): Promise<void> => {
      if (!(await commitOpenings(opened, deps))) throw ledgerLost("rows' openings");
      for (const state of opened) call(state, undefined);
    };
    const endAll = async (): Promise<void> => {
      if (!(await commitRows(ended, deps))) throw ledgerLost("rows");
      for (const row of ended) tellCommitted(row);
    };
    if (opened.length > 0) guarded(opened, openAll());
    if (ended.length > 0)
      guarded(
        ended.map(({ state }) => state),
        endAll(),
      );
  }

  /** More than one call where answers are wrong. */
  function call(state: RowState, wrong: WrongAnswer | undefined): void {
    let task: CallTask;
    try {
      task = deps.taskOf(state, state.plan.request(wrong));
    } catch (error) {
      // Nothing was sent: a model that is not there, a guardrail that nobody knows.
      settle(state, failedOutcome(state, toWireError(error), clock()));
      return;
    }
    state.sentMs = clock();
    const listener = { receive: (message: StreamMessage) => receive(state, message) };
    const run = async (): Promise<void> => {
      let result: CallResult;
      try {
        result = await pool.run(task, listener);
      } catch (error) {
        return lose(state, toWireError(error));
      }
      if (state.isGivenUp) return leaveOpen(state);
      // Streams are never asked for; a provider that sends one all the same has broken off, as far as we know.
      if (result.kind === "streamed") throw new Error("a stream that nobody asked for");
      end(state, result);
    };
    guarded([state], run());
  }

  function receive(state: RowState, message: StreamMessage) {
    const { call: name, traceFlags } = state.opening;
    if (message.kind === "refused") {
      gate.refused(state.pass, message, {
        go() {
          state.sentMs = clock(); // what it waited for its turn says nothing of the provider
          pool.resume(name);
        },
        giveUp() {
          state.isGivenUp = true;
          pool.cancel(name, "draining");
        },
      });
    } else if (message.kind === "journal") {
      const { spans, spanCount } = message;
      const sampled = (traceFlags & 1) !== 0;
      deps.exporter.journal({
        kind: "journal",
        call: name,
        part: "worker",
        spans,
        spanCount,
        sampled,
      });
    }
  }

  function end(state: RowState, result: Ended): void {
    const nowMs = clock();
    addUp(state, result);
    tellGate(state, result, nowMs);
    const outcome = replyOutcome(state, result, nowMs);
    if (outcome.error !== "invalid_answer" || state.wrongAnswers >= deps.answerRetries) {
      settle(state, outcome);
      return;
    }
    state.wrongAnswers += 1;
    deps.exporter.journal(serverPart(state, deps));
    const wrong = { text: outcome.text, problem: outcome.message };
    gate.again(state.pass, () => call(state, wrong));
  }

  function tellGate({ pass, sentMs }: RowState, result: Ended, nowMs: number): void {
    if (result.kind === "reply" && result.status < 400) {
      const { inputTokens, outputTokens } = result.outcome;
      const tokens = Math.max(0, inputTokens) + Math.max(0, outputTokens);
      const hint = rateHint(result.headers, nowMs);
      gate.accepted(pass, { durationMs: nowMs - sentMs, tokens, hint });
      return;
    }
    const isOverload =
      result.kind === "failed" ? result.code === "provider_timeout" : result.status >= 500;
    gate.failed(pass, isOverload);
  }

  function settle(state: RowState, outcome: RowOutcome): void {
    try {
      settled.push(settledAs(state, outcome));
    } catch (error) {
      broken(state, error);
      return;
    }
    suspects.over(state.row.number);
    schedule();
  }

  function settledAs(state: RowState, outcome: RowOutcome): SettledRow {
    try {
      return recorded(state, outcome);
    } catch (error) {
      return recorded(state, failedOutcome(state, unusable(error), clock()));
    }
  }

  function recorded(state: RowState, outcome: RowOutcome): SettledRow {
    const record = events.recordOf(state, outcome);
    return { state, outcome, record, result: writeResult(record) };
  }

  /** The run was stopped before its turn came: another run sends it. */
  async function leaveOpen(state: RowState): Promise<void> {
    const failure: WireError = { code: "draining", message: "the run was stopped" };
    if (!(await abandonRow(state, failure, { settled: undefined, deps }))) {
      throw ledgerLost("a row that was not sent");
    }
    broken(state, failure);
  }

  /** Its thread is gone: it is sent again, from its opening on. */
  async function lose(state: RowState, failure: WireError): Promise<void> {
    if (failure.code !== "worker_lost") {
      settle(state, failedOutcome(state, failure, clock()));
      return;
    }
    const isGivenUp = state.lostThreads >= lostThreadsMax;
    const given = isGivenUp ? settledAs(state, failedOutcome(state, failure, clock())) : undefined;
    if (!(await abandonRow(state, failure, { settled: given, deps }))) {
      throw ledgerLost("a row whose thread died");
    }
    suspects.over(state.row.number);
    if (given !== undefined) {
      tellCommitted(given);
      return;
    }
    const again = { ...state, lostThreads: state.lostThreads + 1 };
    suspects.add(state.row.number, () => gate.again(state.pass, () => open(state.row, again)));
  }

  function open(
    row: InputRow,
    sending: Pick<RowState, "place" | "plan" | "pass" | "lostThreads">,
  ): void {
    const fresh = deps.trace.openRow(row, sending.plan.facts.model);
    opening.push(openState(row, { ...sending, opening: fresh }));
    schedule();
  }

  return { send: (row, sending) => open(row, { ...sending, lostThreads: 0 }) };
}

/** Replies may hold what cannot be read or written: a hundred thousand arrays in one another. */
function replyOutcome(state: RowState, result: Ended, nowMs: number): RowOutcome {
  try {
    return readOutcome(state, result, nowMs);
  } catch (error) {
    return failedOutcome(state, unusable(error), nowMs);
  }
}

function unusable(error: unknown): WireError {
  if (!(error instanceof RangeError)) return toWireError(error);
  return { code: "provider_invalid", message: `the reply cannot be used: ${String(error)}` };
}

function ledgerLost(what: string): Error {
  return new Error(`the ledger did not take ${what}`);
}
