import { expect, test } from "bun:test";
import {
  eachEndedCall,
  eachEndedRow,
  toRowsCommand,
  type EndedRowCall,
} from "../../../src/protocol/ended-rows.ts";

function ended(call: string, changes: Partial<EndedRowCall> = {}): EndedRowCall {
  return {
    batch: 3,
    call,
    row: 1,
    state: "ok",
    spans: "spans",
    spanCount: 3,
    sampled: true,
    inputTokens: 4,
    outputTokens: 5,
    cost: 0.25,
    unpriced: 0,
    result: "result",
    ...changes,
  };
}

test("rows that ended are read as they were written", () => {
  const rows = [
    ended("a"),
    ended("b", { row: 2, state: "failed", sampled: false, unpriced: 1, result: "" }),
    ended("c", { row: 7, spans: "", spanCount: 0, cost: 0 }),
  ];
  const command = toRowsCommand("message", 3, rows);
  expect(command).toMatchObject({ kind: "rows", call: "message", batch: 3, spanCount: 6 });
  expect(command.sizeChars).toBe("spansresult".length + "spans".length + "result".length);
  const read: EndedRowCall[] = [];
  eachEndedRow(command, (row) => read.push(row));
  expect(read).toEqual(rows);
  const calls: string[] = [];
  eachEndedCall(command, (call) => calls.push(call));
  expect(calls).toEqual(["a", "b", "c"]);
});
