import { expect, test } from "bun:test";
import { createRowSuspects } from "../../../src/batch/row-suspects.ts";

test("suspects are sent one at a time, in order, whatever other rows do", () => {
  const suspects = createRowSuspects();
  const sent: number[] = [];
  for (const row of [1, 2, 3]) suspects.add(row, () => sent.push(row));
  expect(sent).toEqual([1]);
  suspects.over(7);
  expect(sent).toEqual([1]);
  suspects.over(1);
  expect(sent).toEqual([1, 2]);
  suspects.over(2);
  suspects.over(3);
  suspects.add(4, () => sent.push(4));
  expect(sent).toEqual([1, 2, 3, 4]);
});

test("a suspect that is over twice makes way for one other", () => {
  const suspects = createRowSuspects();
  const sent: number[] = [];
  for (const row of [1, 2, 3]) suspects.add(row, () => sent.push(row));
  suspects.over(1);
  suspects.over(1);
  expect(sent).toEqual([1, 2]);
});
