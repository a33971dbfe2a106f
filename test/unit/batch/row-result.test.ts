import { expect, test } from "bun:test";
import { lineOf, readResult, writeResult } from "../../../src/batch/row-result.ts";
import { settledRow as record } from "../../support/settled-row.ts";

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
