import { describe, expect, test } from "bun:test";
import { substituteEnvironment } from "../../../src/config/environment-substitution.ts";

const environment = { KEY: "sk-1", PORT: "4100", EMPTY: "", YAML: "x\nserver: { insecure: true }" };

function fill(tree: unknown): unknown {
  const { document, problems } = substituteEnvironment(tree, environment);
  expect(problems).toEqual([]);
  return document;
}

describe("${NAME} in a value", () => {
  test("is filled in, wherever it stands", () => {
    expect(fill({ a: "${KEY}", b: ["Bearer ${KEY}"], c: { d: "${KEY}-${PORT}" } })).toEqual({
      a: "sk-1",
      b: ["Bearer sk-1"],
      c: { d: "sk-1-4100" },
    });
  });

  test("takes the default when the variable is unset or empty", () => {
    expect(fill({ a: "${NONE:-x y}", b: "${EMPTY:-z}", c: "${KEY:-no}" })).toEqual({
      a: "x y",
      b: "z",
      c: "sk-1",
    });
  });

  test("leaves the key out when nothing is left of the value", () => {
    expect(fill({ a: "${NONE:-}", b: "", c: "Bearer ${NONE:-}" })).toEqual({
      b: "",
      c: "Bearer ",
    });
  });

  test("cannot become structure", () => {
    expect(fill({ a: "${YAML}" })).toEqual({ a: "x\nserver: { insecure: true }" });
  });

  test("is not filled in a second time", () => {
    const { document } = substituteEnvironment({ a: "${A}" }, { A: "${B}", B: "no" });
    expect(document).toEqual({ a: "${B}" });
  });

  test("does not touch keys, numbers, flags and plain dollars", () => {
    const tree = { "${KEY}": 1, a: true, b: "^x$", c: "$KEY", d: undefined, e: "a{2}$" };
    expect(fill(tree)).toEqual(tree);
  });

  test("is written $${NAME} where a plain one is meant", () => {
    expect(fill({ a: "$${KEY} and ${KEY}" })).toEqual({ a: "${KEY} and sk-1" });
  });

  test("is remembered by path as it stands in the file", () => {
    const { templates } = substituteEnvironment({ a: [{ b: "x ${KEY}" }], c: "d" }, environment);
    expect([...templates]).toEqual([["a[0].b", "x ${KEY}"]]);
  });
});

describe("a problem is", () => {
  const problemsOf = (tree: unknown) => substituteEnvironment(tree, environment).problems;

  test("each unset variable without a default, by its name", () => {
    expect(problemsOf({ a: "${ONE} ${TWO} ${ONE}", b: ["${EMPTY}"] })).toEqual([
      {
        path: "a",
        message: "the environment variable ONE is not set; set it, or write ${ONE:-default}",
      },
      {
        path: "a",
        message: "the environment variable TWO is not set; set it, or write ${TWO:-default}",
      },
      {
        path: "b[0]",
        message: "the environment variable EMPTY is not set; set it, or write ${EMPTY:-default}",
      },
    ]);
  });

  test.each(["${", "${1A}", "${KEY-x}", "${KEY", "${A:-${KEY}}", "${constructor"])(
    "%p, which is no variable",
    (text) => {
      const problems = problemsOf({ a: text });
      expect(problems).toHaveLength(1);
      expect(problems[0]?.message).toContain("has a ${ that is no variable");
    },
  );

  test("a name every object has, for it is not set", () => {
    expect(problemsOf({ a: "${constructor}" })).toHaveLength(1);
  });
});
