import { expect, test } from "bun:test";
import { readOptions } from "../../../src/batch/batch-options.ts";

test("nothing given is what is usual", () => {
  expect(readOptions({})).toEqual({
    ok: true,
    options: {
      concurrency: undefined,
      callsPerMinute: undefined,
      tokensPerMinute: undefined,
      maxCost: undefined,
      maxTokens: undefined,
      temperature: undefined,
      sample: undefined,
      seed: undefined,
      answerRetries: 2,
      labels: undefined,
      delimiter: undefined,
      tracePerRow: false,
    },
  });
});

test("each option that is wrong is a line of its own", () => {
  const read = readOptions({
    concurrency: "many",
    rpm: "0",
    "max-cost": "-1",
    sample: "1.5",
    labels: "a,a",
    schema: "s.json",
    delimiter: ";;",
    trace: "all",
    temperature: "",
  });
  expect(read.ok ? [] : read.problems.map((problem) => problem.split(/[: ]/)[0])).toEqual([
    "--concurrency",
    "--trace",
    "--labels",
    "--labels",
    "--delimiter",
    "--rpm",
    "--max-cost",
    "--temperature",
    "--sample",
  ]);
});

test("labels are trimmed, tab has a name, auto is no number", () => {
  const read = readOptions({
    labels: " a, b ,,a",
    delimiter: "tab",
    concurrency: "auto",
    trace: "row",
  });
  expect(read.ok && read.options).toMatchObject({
    labels: ["a", "b"],
    delimiter: "\t",
    concurrency: undefined,
    tracePerRow: true,
  });
});

test("a label that has a comma stands in quotes", () => {
  const labelsOf = (labels: string): unknown => {
    const read = readOptions({ labels });
    return read.ok && read.options.labels;
  };
  expect(labelsOf('a, "b, c" ,"d ""e""",')).toEqual(["a", "b, c", 'd "e"']);
  expect(labelsOf('a"b",c d,"e"f')).toEqual(['a"b"', "c d", '"e"f']);
});

test("rows cannot be sent again that are to be forgotten", () => {
  expect(readOptions({ "retry-failed": true, restart: true })).toEqual({
    ok: false,
    problems: [
      "--retry-failed stands beside --restart, which forgets what failed; give one of them",
    ],
  });
});
