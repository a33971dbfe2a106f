import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { fileProblem } from "../../../src/batch/file-problem.ts";

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

test("errors of the file system are told in words, others in their own", () => {
  expect(fileProblem(thrown(() => readFileSync("/")))).toBe("it is a folder, no file");
  expect(fileProblem(thrown(() => readFileSync("/no/such")))).toBe("there is no such file");
  const compressed = Object.assign(new Error("unexpected end of file"), { code: "Z_BUF_ERROR" });
  expect(fileProblem(compressed)).toBe("it cannot be decompressed: unexpected end of file");
  const unknown = Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
  expect(fileProblem(unknown)).toBe("EIO: i/o error, read");
  expect(fileProblem("odd")).toBe("odd");
});
