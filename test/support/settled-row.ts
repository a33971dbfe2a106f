// Tests: what a settled row leaves behind.

import type { RowRecord } from "../../src/batch/tally.ts";

export function settledRow(changes: Partial<RowRecord> = {}): RowRecord {
  return {
    line: '{"id":1,"reply":"two\\nlines"}\n',
    error: "",
    message: "",
    inputLine: 3,
    label: undefined,
    truth: "yes",
    inputTokens: 0,
    outputTokens: 0,
    cost: 0,
    unpriced: 0,
    retries: 0,
    durationMs: 0,
    ...changes,
  };
}
