import { expect, test } from "bun:test";
import { addedColumns, createRowOutput } from "../../../src/batch/row-output.ts";
import { readCsv } from "../../../src/batch/read-csv.ts";
import type { InputRow } from "../../../src/batch/input-row.ts";

const row = (fields: InputRow["fields"]): InputRow => ({ number: 1, line: 2, fields, problem: "" });

test("a column of the input is never written over", () => {
  const names = addedColumns(["label", "cost"], true).map(({ name }) => name);
  expect(names).toEqual([
    "new_label",
    "reply",
    "error",
    "trace_id",
    "input_tokens",
    "output_tokens",
    "new_cost",
  ]);
});

test("nor one that a batch of a batch's output has", () => {
  const names = addedColumns(["reply", "new_reply", "error"], false).map(({ name }) => name);
  expect(names.slice(0, 2)).toEqual(["new_new_reply", "new_error"]);
});

test("CSV comes back as it was, whatever is in it", async () => {
  const columns = ["a", "b"];
  const output = createRowOutput({ form: "csv", delimiter: ";", columns, hasLabel: true });
  const values = ["plain", 'q"q', "x;y", "two\nlines", "\r", " space ", "", "=1+1", "ü,😀"];
  const lines = values.map((value) => output.line(row({ a: value, b: "b" }), { label: value }));
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(output.header + lines.join(""));
  }
  const read: InputRow[] = [];
  for await (const batch of readCsv(bytes(), ";")) read.push(...batch);
  expect(read.map(({ fields }) => fields["a"])).toEqual(values);
  expect(read.map(({ fields }) => fields["label"])).toEqual(values);
});

test("JSON lines keep the row's values and say null for what there is not", () => {
  const output = createRowOutput({
    form: "jsonl",
    delimiter: ",",
    columns: ["a"],
    hasLabel: false,
  });
  expect(JSON.parse(output.line(row({ a: { b: [1] } }), { reply: "x", cost: 0.5 }))).toEqual({
    a: { b: [1] },
    reply: "x",
    error: null,
    trace_id: null,
    input_tokens: null,
    output_tokens: null,
    cost: 0.5,
  });
});
