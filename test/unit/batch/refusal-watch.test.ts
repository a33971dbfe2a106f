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

test("so do ten of a provider that is down", () => {
  const watch = createRefusalWatch();
  const down = { error: "503", message: "" };
  for (let row = 0; row < 9; row++) expect(watch(down)).toBe(undefined);
  expect(watch(down)).toContain("the provider answers 503 to every row");
});

test("so do ten that do not reach it", () => {
  const watch = createRefusalWatch();
  const away = { error: "provider_unreachable", message: "provider openai: ConnectionRefused" };
  for (let row = 0; row < 9; row++) expect(watch(away)).toBe(undefined);
  expect(watch(away)).toContain("no row reaches the provider (provider openai: ConnectionRefused)");
});

test("one that says the account has nothing left does, whatever has come before", () => {
  const watch = createRefusalWatch();
  watch({ error: "", message: "" });
  const why = watch({ error: "insufficient_quota", message: "You exceeded your current quota" });
  expect(why).toContain("has nothing left (You exceeded your current quota)");
  expect(why).toContain("--retry-failed");
});

test("calls that are refused for good, one after the other, stop a run that went well", () => {
  const watch = createRefusalWatch();
  const told = { error: "429", message: "limit by the day" };
  for (let row = 0; row < 100; row++) expect(watch({ error: "", message: "" })).toBeUndefined();
  for (let row = 0; row < 9; row++) expect(watch(told)).toBeUndefined();
  expect(watch({ error: "", message: "" })).toBeUndefined();
  for (let row = 0; row < 9; row++) expect(watch(told)).toBeUndefined();
  expect(watch(told)).toBe(
    "the provider answers 429 to every row (limit by the day); add --retry-failed to send them again",
  );
});
