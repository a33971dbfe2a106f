// One row of a batch's input, as every reader gives it. Plain data.

export interface InputRow {
  /** 1 for the first row; rows that cannot be read count, too. */
  readonly number: number;
  /** Where it begins in the file, 1 for the first line. */
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Why the row cannot be read; empty when it can. */
  readonly problem: string;
}

export type InputForm = "jsonl" | "csv";

/** A longer record is a row with a problem: memory stays flat. */
export const recordBytesMax: number = 32 * 1024 * 1024;
