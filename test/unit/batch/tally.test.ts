import { expect, test } from "bun:test";
import { createTally } from "../../../src/batch/tally.ts";

test("true labels that were asked for are spoken of, though no row has one", () => {
  expect(createTally(true).figures().evaluation).toMatchObject({ rows: 0 });
  expect(createTally(false).figures().evaluation).toBeUndefined();
});
