import { expect, test } from "bun:test";
import { nearestName } from "../../../src/config/nearest-name.ts";

const known = ["host", "port", "max_body", "drain_timeout", "api_key", "base_url"];

test.each([
  ["prot", "port"],
  ["maxBody", "max_body"],
  ["max-body", "max_body"],
  ["drain_timout", "drain_timeout"],
  ["apikey", "api_key"],
  ["BASE_URL", "base_url"],
])("%s is a slip for %s", (written, meant) => {
  expect(nearestName(written, known)).toBe(meant);
});

test("what is like none of the names is a slip for none", () => {
  expect(nearestName("certificate", known)).toBeUndefined();
  expect(nearestName("", known)).toBeUndefined();
  expect(nearestName("host", [])).toBeUndefined();
});

test("a very long name costs no more than a short one", () => {
  expect(nearestName("h".repeat(1_000_000), known)).toBeUndefined();
});
