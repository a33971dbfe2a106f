import { expect, test } from "bun:test";
import { formatPath, formatProblem } from "../../../src/config/problems.ts";

test("a path reads as one would write it", () => {
  expect(formatPath(["providers", "openai", "timeout"])).toBe("providers.openai.timeout");
  expect(formatPath(["models", 0, "name"])).toBe("models[0].name");
  expect(formatPath(["providers", "my own", "api"])).toBe('providers["my own"].api');
  expect(formatPath([])).toBe("");
});

test("of a very long key only the start is in a path, for it may be a secret", () => {
  expect(formatPath(["keys", `sk live ${"x".repeat(80)}`])).toBe('keys["sk liv…"]');
});

test("a problem of the whole file has no path", () => {
  expect(formatProblem({ path: "", message: "the file is not valid" })).toBe(
    "the file is not valid",
  );
  expect(formatProblem({ path: "a.b", message: "is missing" })).toBe("a.b: is missing");
});
