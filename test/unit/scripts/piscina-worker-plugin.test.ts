import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { piscinaIndex, redirectWorker } from "../../../scripts/piscina-worker-plugin.ts";

const installed = resolve(import.meta.dir, "../../../node_modules/piscina/dist/index.js");

describe("redirectWorker", () => {
  test("finds the expression in the Piscina that is installed", () => {
    const source = readFileSync(installed, "utf8");
    const redirected = redirectWorker(source, "/$bunfs/root/scripts/piscina-worker.js");
    expect(redirected).toContain('filename: "/$bunfs/root/scripts/piscina-worker.js"');
    expect(redirected).not.toContain("worker.js')");
  });

  test("refuses a Piscina that finds its worker otherwise", () => {
    expect(() => redirectWorker("new Worker('worker.js')", "/x.js")).toThrow("any more");
  });

  test("refuses a Piscina that finds it in two places", () => {
    const source = readFileSync(installed, "utf8");
    expect(() => redirectWorker(source + source, "/x.js")).toThrow("any more");
  });
});

test("piscinaIndex matches that one file, on Windows too", () => {
  expect(piscinaIndex.test(installed)).toBe(true);
  expect(piscinaIndex.test("C:\\node_modules\\piscina\\dist\\index.js")).toBe(true);
  expect(piscinaIndex.test("/node_modules/piscina/dist/task_queue/index.js")).toBe(false);
});
