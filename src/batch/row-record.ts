// What a settled row leaves behind: its line of the output and its share of the account. Pure.

import { truthOf, type BatchJob } from "./batch-job.ts";
import type { InputRow } from "./input-row.ts";
import { resultLine } from "./request-line.ts";
import type { RowOutput } from "./row-output.ts";
import type { GoodPlan, RowOutcome } from "./row-state.ts";
import { noFigures, type RowRecord } from "./tally.ts";

export interface RecordMaker {
  readonly settled: (row: InputRow, plan: GoodPlan, outcome: RowOutcome) => RowRecord;
  /** A row that nothing can be sent for. */
  readonly bad: (row: InputRow, problem: string) => RowRecord;
}

export function createRecordMaker(
  job: Pick<BatchJob, "task" | "truth">,
  output: RowOutput,
): RecordMaker {
  const isRequests = job.task.kind === "requests";
  return {
    settled(row, plan, outcome) {
      const { error, message, label } = outcome;
      const line = isRequests
        ? requestResult(plan, outcome)
        : output.line(row, {
            label,
            reply: outcome.text === "" ? undefined : outcome.text,
            error: error === "" ? undefined : joined(error, message),
            traceId: outcome.traceId,
            inputTokens: outcome.hasUsage ? outcome.inputTokens : undefined,
            outputTokens: outcome.hasUsage ? outcome.outputTokens : undefined,
            cost: outcome.hasUsage && outcome.unpriced === 0 ? rounded(outcome.cost) : undefined,
          });
      const { inputTokens, outputTokens, cost, unpriced, retries, durationMs } = outcome;
      return {
        line,
        error,
        message: message.slice(0, 200),
        inputLine: row.line,
        label,
        truth: truthOf(row, job.truth),
        inputTokens,
        outputTokens,
        cost,
        unpriced,
        retries,
        durationMs,
      };
    },
    bad(row, problem) {
      const line = isRequests
        ? badRequest(row, problem)
        : output.line(row, { error: `line ${row.line}: ${problem}` });
      return { ...nothing, line, error: "bad_row", message: problem, inputLine: row.line };
    },
  };
}

const nothing = { ...noFigures, label: undefined, truth: undefined };

/** Sums of prices end in digits that mean nothing. */
function rounded(cost: number): number {
  return Number(cost.toPrecision(12));
}

function joined(error: string, message: string): string {
  return message === "" ? error : `${error}: ${message}`;
}

function requestResult(plan: GoodPlan, outcome: RowOutcome): string {
  const { call, status, requestId, body, error, message } = outcome;
  const errorCode = status === 0 ? error : "";
  const { customId } = plan;
  return toLine(
    resultLine(plan.api, { call, customId, status, requestId, body, errorCode, message }),
  );
}

function badRequest(row: InputRow, problem: string): string {
  const customId = row.fields["custom_id"];
  const api = row.fields["params"] === undefined ? "openai" : "anthropic";
  return toLine(
    resultLine(api, {
      call: `line_${row.line}`,
      customId: typeof customId === "string" ? customId : "",
      status: 0,
      requestId: "",
      body: undefined,
      errorCode: "bad_row",
      message: `line ${row.line}: ${problem}`,
    }),
  );
}

function toLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
