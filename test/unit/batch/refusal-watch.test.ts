import { expect, test } from "bun:test";
import { createRefusalWatch } from "../../../src/batch/refusal-watch.ts";

const refused = { error: "401", message: "bad key" };

test("ten refusals in a row from the start say stop, with the provider's reason", () => {
  const watch = createRefusalWatch();
  for (let row = 0; row < 9; row++) expect(watch(refused)).toBe(undefined);
  expect(watch(refused)).toContain("401 to every row (bad key)");
});

test("once anything else has come, rows fail one by one", () => {
  for (const error of ["", "400", "provider_timeout"]) {
    const watch = createRefusalWatch();
    watch({ error, message: "" });
    for (let row = 0; row < 100; row++) expect(watch(refused)).toBe(undefined);
  }
});
