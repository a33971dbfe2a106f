// A batch's input as rows, main thread: read as often as needed. What comes over stdin is kept in the batch's folder
// first, for a run has to read it twice.

import { createWriteStream, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

import { fileProblem } from "./file-problem.ts";
import { openBytes } from "./input-bytes.ts";
import type { InputForm, InputRow } from "./input-row.ts";
import { guessDelimiter, readCsv } from "./read-csv.ts";
import { readJsonLines } from "./read-jsonl.ts";

export interface InputSource {
  /** What a person knows it under. */
  readonly name: string;
  readonly form: InputForm;
  /** Of CSV; a comma otherwise. */
  readonly delimiter: string;
  /**
   * A row list per chunk.
   *
   * @throws InputError
   */
  readonly rows: (watch?: InputWatch) => AsyncGenerator<InputRow[]>;
}

export interface InputWatch {
  /** Each chunk, decompressed, before its rows come. */
  readonly onBytes?: (chunk: Uint8Array) => void;
  /** Of CSV, before the first row. */
  readonly onColumns?: (columns: readonly string[]) => void;
}

/** The input as a whole cannot be read; the message names it. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** Keeps what stdin says; a run that reads from `path` already goes on with what it has. */
export async function keepStdin(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  removePartials(path);
  const partial = `${path}.${process.pid}`;
  try {
    await pipeline(process.stdin, createWriteStream(partial));
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/** Those of processes that are gone. */
function removePartials(path: string): void {
  for (const name of readdirSync(dirname(path))) {
    const [, base = "", pid = ""] = /^(.*)\.(\d+)$/.exec(name) ?? [];
    if (base !== basename(path) || isRunning(Number(pid))) continue;
    rmSync(join(dirname(path), name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/**
 * The form goes by the name (`.jsonl`, `.ndjson`, `.csv`, `.tsv`, each with `.gz`), else by the first character.
 *
 * @throws InputError
 */
export async function openInput(options: {
  readonly path: string;
  /** What a person knows it under. */
  readonly name: string;
  readonly delimiter: string | undefined;
}): Promise<InputSource> {
  const { path, name } = options;
  const bytes = await openBytes(path).catch((error: unknown) => fail(name, error));
  const form = formOfName(path) ?? (/^\s*\{/.test(bytes.start) ? "jsonl" : "csv");
  const isTsv = /\.tsv(?:\.gz)?$/i.test(path);
  const delimiter = options.delimiter ?? (isTsv ? "\t" : guessDelimiter(bytes.start));
  return {
    name,
    form,
    delimiter,
    async *rows({ onBytes, onColumns } = {}) {
      const read = bytes.read(onBytes);
      try {
        yield* form === "jsonl" ? readJsonLines(read) : readCsv(read, delimiter, onColumns);
      } catch (error) {
        fail(name, error);
      }
    },
  };
}

/** Undefined where the name says nothing. */
export function formOfName(path: string): InputForm | undefined {
  const extension = /\.(jsonl|ndjson|json|csv|tsv)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase();
  if (extension === undefined) return undefined;
  return extension === "csv" || extension === "tsv" ? "csv" : "jsonl";
}

function fail(name: string, error: unknown): never {
  throw new InputError(`${name}: ${fileProblem(error)}`, { cause: error });
}
