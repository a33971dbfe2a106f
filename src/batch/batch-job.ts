// A batch as it was asked for, all checked and decided: what `runBatch` is given. Plain data and pure functions.

import type { InputForm, InputRow } from "./input-row.ts";
import type { InputSource } from "./input-source.ts";
import type { LimiterSettings } from "./rate-limiter.ts";
import type { RowChoice } from "./choose-rows.ts";
import type { BatchTask } from "./row-plan.ts";
import type { Survey } from "./survey-input.ts";

export interface BatchJob {
  /** Stands for the batch in its ledger: the absolute path of its output. */
  readonly name: string;
  /** `-` for stdout. */
  readonly output: string;
  readonly outputForm: InputForm;
  readonly outputDelimiter: string;
  readonly input: InputSource;
  readonly survey: Survey;
  readonly isChosen: RowChoice;
  /** Rows that are chosen. */
  readonly rows: number;
  readonly task: BatchTask;
  readonly truth: string | undefined;
  /** USD. */
  readonly maxCost: number | undefined;
  readonly limits: LimiterSettings;
  readonly answerRetries: number;
  readonly tracePerRow: boolean;
  readonly retryFailed: boolean;
  readonly restart: boolean;
  /** JSON of {@link describeJob}. */
  readonly description: string;
}

/** What has to be the same for a run to be gone on with, by the name that a person knows it under. */
export type JobDescription = Readonly<Record<string, unknown>>;

/** The names of what differs between two descriptions. */
export function differences(before: JobDescription, now: JobDescription): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]));
}

/** The row's true label, where there is a column for it. */
export function truthOf(row: InputRow, column: string | undefined): string | undefined {
  if (column === undefined) return undefined;
  const value = row.fields[column];
  if (value === undefined || value === null) return undefined;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.trim() === "" ? undefined : text.trim();
}
