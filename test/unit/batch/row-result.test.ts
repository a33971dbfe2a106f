import { expect, test } from "bun:test";
import { lineOf, readResult, writeResult } from "../../../src/batch/row-result.ts";
import type { RowRecord } from "../../../src/batch/tally.ts";

function record(changes: Partial<RowRecord>): RowRecord {
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

test("what the ledger keeps of a row says again how it went, and its line", () => {
  const records = [
    record({}),
    record({ label: "yes" }),
    record({ label: "" }),
    record({ error: "500", message: 'a "quoted"\nmessage' }),
    record({ error: "invalid_answer", message: "m", label: "x\ny" }),
    record({ line: '"a field\nof two lines",1\n' }),
    record({ line: "" }),
  ];
  for (const each of records) {
    const written = writeResult(each);
    expect(readResult(written, { inputLine: 3, truth: "yes" })).toEqual(each);
    expect(lineOf(written)).toBe(each.line);
  }
});

test("a row that was left open has no line", () => {
  expect(lineOf("")).toBe("");
});
