import { expect, test } from "bun:test";
import { createRowSuspects } from "../../../src/batch/row-suspects.ts";

test("suspects are sent one at a time, in order, whatever other rows do", () => {
  const suspects = createRowSuspects();
  const sent: number[] = [];
  for (const row of [1, 2, 3]) suspects.add(() => sent.push(row));
  expect(sent).toEqual([1]);
  suspects.over({ lostThreads: 0 });
  expect(sent).toEqual([1]);
  suspects.over({ lostThreads: 1 });
  expect(sent).toEqual([1, 2]);
  suspects.over({ lostThreads: 2 });
  suspects.over({ lostThreads: 1 });
  suspects.add(() => sent.push(4));
  expect(sent).toEqual([1, 2, 3, 4]);
});
