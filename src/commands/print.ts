// Where the commands' results go: stdout, whole, before the process ends. Main thread. What cannot be written is
// never passed over, but for a reader that has left, who wanted no more.

import { writeSync } from "node:fs";

const stdoutFile = 1;
const exitFailed = 1;
/** For a reader that is slow at a pipe that does not block. */
const againMs = 5;

/** Writes the text and a line break; ends the process with 1 where that fails. */
export function print(text: string): void {
  let left = Buffer.from(`${text}\n`);
  while (left.length > 0) {
    try {
      left = left.subarray(writeSync(stdoutFile, left));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EPIPE") return;
      if (code !== "EAGAIN") {
        console.error(`cannot write to stdout: ${error instanceof Error ? error.message : "?"}`);
        process.exit(exitFailed);
      }
      Bun.sleepSync(againMs);
    }
  }
}
