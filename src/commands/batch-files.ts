// The files of an `everyspan batch`: where they are by its input and output, and what is wrong with those. Main thread.

import { statSync } from "node:fs";
import { basename, join, resolve } from "node:path";

import { fileProblem } from "../batch/file-problem.ts";
import { keepStdin } from "../batch/input-source.ts";
import { outputProblem } from "../batch/output-sink.ts";

export interface BatchFiles {
  /** The output's absolute path; what goes to stdout is known by its input. */
  readonly name: string;
  /** Absolute, or `-`. */
  readonly output: string;
  /** Unless the configuration names one. */
  readonly usualLedger: string;
  /** What comes over stdin. */
  readonly keptInput: string;
}

export type TakenInput =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly problem: string };

export function batchFiles(input: string, output: string): BatchFiles {
  const isStdout = output === "-";
  const name = resolve(isStdout ? (input === "-" ? "batch" : `${basename(input)}.batch`) : output);
  return {
    name,
    output: isStdout ? "-" : name,
    usualLedger: join(`${name}.everyspan`, "run.db"),
    keptInput: join(`${name}.everyspan`, "input"),
  };
}

/** To be asked before anything is read that can be read but once, and before anything is paid for. */
export function outputFault(output: string, files: BatchFiles): string | undefined {
  const problem = outputProblem(files.output);
  return problem === undefined ? undefined : `--output: ${output}: ${problem}`;
}

/** Reads stdin to its end where that is the input. */
export async function takeInput(input: string, files: BatchFiles): Promise<TakenInput> {
  const isStdin = input === "-";
  const path = isStdin ? files.keptInput : resolve(input);
  try {
    if (isStdin) await keepStdin(path);
    else assertReadable(path);
    return { ok: true, path };
  } catch (error) {
    return { ok: false, problem: `${isStdin ? path : input}: ${fileProblem(error)}` };
  }
}

function assertReadable(path: string): void {
  const there = statSync(path);
  if (there.isFile()) return;
  if (there.isDirectory()) throw new Error("it is a folder, no file");
  throw new Error("it can be read but once; give what it says as - (stdin)");
}
