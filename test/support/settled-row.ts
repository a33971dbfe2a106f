// Tests: what a settled row leaves behind.

import { noFigures, type RowRecord } from "../../src/batch/tally.ts";

export function settledRow(changes: Partial<RowRecord> = {}): RowRecord {
  return {
    line: '{"id":1,"reply":"two\\nlines"}\n',
    error: "",
    message: "",
    inputLine: 3,
    label: undefined,
    truth: "yes",
    ...noFigures,
    ...changes,
  };
}
