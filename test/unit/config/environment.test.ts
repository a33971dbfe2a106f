import { expect, test } from "bun:test";
import { readEnvironment, variable } from "../../../src/config/environment.ts";

test("the environment is a copy of the process's", () => {
  const environment = readEnvironment();
  expect(variable(environment, "PATH")).toBe(process.env["PATH"]);
  expect(environment).not.toBe(process.env);
});

test("an empty variable is unset", () => {
  expect(variable({ A: "" }, "A")).toBeUndefined();
  expect(variable({ A: "  " }, "A")).toBeUndefined();
  expect(variable({ A: undefined }, "A")).toBeUndefined();
  expect(variable({ A: "1" }, "A")).toBe("1");
});

test("what every object has is no variable", () => {
  expect(variable({}, "constructor")).toBeUndefined();
  expect(variable({}, "__proto__")).toBeUndefined();
});
