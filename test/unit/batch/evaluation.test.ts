import { expect, test } from "bun:test";
import { createEvaluation, evaluationText } from "../../../src/batch/evaluation.ts";

test("accuracy, precision, recall and F1 are those of the textbook", () => {
  const evaluation = createEvaluation();
  const pairs: readonly [string, string, number][] = [
    ["cat", "cat", 5],
    ["cat", "dog", 1],
    ["dog", "dog", 3],
    ["dog", "cat", 2],
    ["bird", "dog", 1],
  ];
  for (const [truth, label, times] of pairs) {
    for (let time = 0; time < times; time++) evaluation.add(truth, label);
  }
  const { rows, correct, labels, confusion } = evaluation.result();
  expect([rows, correct]).toEqual([12, 8]);
  const scores = Object.fromEntries(labels.map((score) => [score.label, score]));
  expect(scores["cat"]).toMatchObject({ rows: 6, precision: 5 / 7, recall: 5 / 6 });
  expect(scores["cat"]?.f1).toBeCloseTo(10 / 13, 12);
  expect(scores["dog"]).toMatchObject({ rows: 5, precision: 3 / 5, recall: 3 / 5 });
  expect(scores["bird"]).toMatchObject({ rows: 1, precision: undefined, recall: 0, f1: 0 });
  expect(labels.map(({ label }) => label)).toEqual(["bird", "cat", "dog"]);
  expect(confusion).toEqual([
    [0, 0, 1],
    [0, 5, 1],
    [0, 2, 3],
  ]);
  expect(evaluationText(evaluation.result())).toStartWith("accuracy 0.667 (8 of 12)");
});

test("a column that is no label does not fill the memory, and counts all the same", () => {
  const evaluation = createEvaluation();
  for (let row = 0; row < 10_000; row++) evaluation.add(`text ${row}`, "a");
  const { rows, labels } = evaluation.result();
  expect(rows).toBe(10_000);
  expect(labels.length).toBeLessThanOrEqual(201);
});

test("two of many labels are not the same for being many", () => {
  const evaluation = createEvaluation();
  for (let row = 0; row < 300; row++) evaluation.add(`label ${row}`, `label ${row}`);
  for (let row = 0; row < 300; row++) evaluation.add(`label ${row}`, `label ${(row + 1) % 300}`);
  const { rows, correct, labels } = evaluation.result();
  expect([rows, correct]).toEqual([600, 300]);
  for (const { label, recall, precision } of labels) {
    expect([label, recall, precision]).toEqual([label, 0.5, 0.5]);
  }
});

test("nothing to compare is said, not divided by", () => {
  expect(evaluationText(createEvaluation().result())).toContain("no row has a label");
});
