// The account of a run as it goes on, main thread: rows, money, time, errors. Memory is bounded.

import { nothingSpent, type Spent } from "../protocol/ended-rows.ts";
import { createEvaluation, type EvaluationResult } from "./evaluation.ts";
import { createLatencyHistogram } from "./latency-histogram.ts";

/** What a settled row comes to, kept in the ledger with it. */
export interface RowRecord {
  /** The row's line of the output. */
  readonly line: string;
  /** Empty when it is ok. */
  readonly error: string;
  readonly message: string;
  readonly inputLine: number;
  readonly label: string | undefined;
  readonly truth: string | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: number;
  /** Replies without a known cost. */
  readonly unpriced: number;
  /** Attempts beyond the first, wrong answers included. */
  readonly retries: number;
  readonly durationMs: number;
}

/** Of a row that cost nothing, or whose cost is counted elsewhere. */
export const noFigures: Spent & Pick<RowRecord, "retries" | "durationMs"> = {
  ...nothingSpent,
  retries: 0,
  durationMs: 0,
};

export interface ErrorKind {
  readonly error: string;
  readonly count: number;
  readonly exampleLine: number;
  readonly exampleMessage: string;
}

export interface TallyFigures {
  readonly ok: number;
  readonly failed: number;
  /** Of these, settled by earlier runs of the same command. */
  readonly kept: number;
  readonly retries: number;
  /** Rows that an earlier run had sent, and nobody knows how they ended. */
  readonly sentAgain: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: number;
  readonly unpriced: number;
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly errors: readonly ErrorKind[];
  readonly evaluation: EvaluationResult | undefined;
}

export interface Tally {
  readonly add: (row: RowRecord, isKept: boolean) => void;
  readonly addSentAgain: () => void;
  /** What earlier sendings have used, as the ledger has it. */
  readonly addSpent: (spent: Spent) => void;
  readonly figures: () => TallyFigures;
}

const errorKindsMax = 100;

/** `isEvaluated`: there is a column of true labels. */
export function createTally(isEvaluated: boolean): Tally {
  const sums = {
    ok: 0,
    failed: 0,
    kept: 0,
    retries: 0,
    sentAgain: 0,
    inputTokens: 0,
    outputTokens: 0,
    cost: 0,
    unpriced: 0,
  };
  const latencies = createLatencyHistogram();
  const errors = new Map<string, { count: number; exampleLine: number; exampleMessage: string }>();
  const evaluation = createEvaluation();

  const addError = ({ error, inputLine, message }: RowRecord): void => {
    const kind = errors.has(error) || errors.size < errorKindsMax ? error : "other";
    const known = errors.get(kind);
    if (known === undefined) {
      errors.set(kind, { count: 1, exampleLine: inputLine, exampleMessage: message });
    } else {
      known.count += 1;
    }
  };

  return {
    add(row, isKept) {
      if (row.error === "") sums.ok += 1;
      else sums.failed += 1;
      if (row.error !== "") addError(row);
      if (row.truth !== undefined && row.label !== undefined) evaluation.add(row.truth, row.label);
      if (isKept) {
        sums.kept += 1;
        return; // what it used came with all that earlier runs have
      }
      sums.retries += row.retries;
      sums.inputTokens += row.inputTokens;
      sums.outputTokens += row.outputTokens;
      sums.cost += row.cost;
      sums.unpriced += row.unpriced;
      if (row.durationMs > 0) latencies.add(row.durationMs);
    },
    addSentAgain() {
      sums.sentAgain += 1;
    },
    addSpent(spent) {
      sums.inputTokens += spent.inputTokens;
      sums.outputTokens += spent.outputTokens;
      sums.cost += spent.cost;
      sums.unpriced += spent.unpriced;
    },
    figures: () => ({
      ...sums,
      p50Ms: latencies.percentile(0.5),
      p95Ms: latencies.percentile(0.95),
      errors: Array.from(errors, ([error, rest]) => ({ error, ...rest })).toSorted(
        (a, b) => b.count - a.count,
      ),
      evaluation: isEvaluated ? evaluation.result() : undefined,
    }),
  };
}
