import { expect, test } from "bun:test";
import { chooseRows } from "../../../src/batch/choose-rows.ts";

function chosen(total: number, rows: number, seed?: number): number[] {
  const isChosen = chooseRows(total, { rows, seed });
  return Array.from({ length: total }, (_, at) => at + 1).filter(isChosen);
}

test("without a seed the first rows are taken, without a sample all", () => {
  expect(chosen(10, 3)).toEqual([1, 2, 3]);
  expect(chosen(3, 10)).toEqual([1, 2, 3]);
  expect([1, 2, 3].filter(chooseRows(3, undefined))).toEqual([1, 2, 3]);
});

test("a seed chooses as many rows, the same each time, others with another seed", () => {
  for (let rows = 1; rows <= 50; rows++) expect(chosen(50, rows, 1).length).toBe(rows);
  expect(chosen(1000, 20, 5)).toEqual(chosen(1000, 20, 5));
  expect(chosen(1000, 20, 5)).not.toEqual(chosen(1000, 20, 6));
});

test("each row is about as likely as any other", () => {
  const counts = new Map<number, number>();
  for (let seed = 0; seed < 2000; seed++) {
    for (const row of chosen(20, 5, seed)) counts.set(row, (counts.get(row) ?? 0) + 1);
  }
  for (let row = 1; row <= 20; row++) {
    expect(counts.get(row)).toBeGreaterThan(400);
    expect(counts.get(row)).toBeLessThan(600);
  }
});
