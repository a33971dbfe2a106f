// A batch's input as bytes and as rows, main thread: plain or compressed, read as often as needed. What comes over
// stdin is kept in the batch's folder first, for a run has to read it twice.

import { createReadStream, createWriteStream, mkdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream";
import { pipeline as pipelineOf } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { InputForm, InputRow } from "./input-row.ts";
import { guessDelimiter, readCsv } from "./read-csv.ts";
import { readJsonLines } from "./read-jsonl.ts";

export interface InputSource {
  readonly path: string;
  readonly form: InputForm;
  /** Of CSV; a comma otherwise. */
  readonly delimiter: string;
  /** A row list per chunk. `onBytes` sees each chunk, decompressed, before its rows come. */
  readonly rows: (onBytes?: (chunk: Uint8Array) => void) => AsyncGenerator<InputRow[]>;
}

const sniffedBytes = 65_536;

/** Keeps what stdin says. */
export async function keepStdin(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  await pipelineOf(process.stdin, createWriteStream(path));
}

/**
 * The form goes by `form`, else the name (`.jsonl`, `.ndjson`, `.csv`, `.tsv`, each with `.gz`), else by the
 * first character.
 *
 * @throws what the file system throws
 */
export async function openInput(options: {
  readonly path: string;
  readonly form: InputForm | undefined;
  readonly delimiter: string | undefined;
}): Promise<InputSource> {
  const { path } = options;
  const isGzip = await hasGzipMagic(path);
  const start = await firstText(path, isGzip);
  const form = options.form ?? formOfName(path) ?? (/^\s*\{/.test(start) ? "jsonl" : "csv");
  const isTsv = /\.tsv(?:\.gz)?$/i.test(path);
  const delimiter = options.delimiter ?? (isTsv ? "\t" : guessDelimiter(start));
  return {
    path,
    form,
    delimiter,
    rows(onBytes) {
      const bytes = watched(openBytes(path, isGzip), onBytes);
      return form === "jsonl" ? readJsonLines(bytes) : readCsv(bytes, delimiter);
    },
  };
}

/** Undefined where the name says nothing. */
export function formOfName(path: string): InputForm | undefined {
  const extension = /\.(jsonl|ndjson|json|csv|tsv)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase();
  if (extension === undefined) return undefined;
  return extension === "csv" || extension === "tsv" ? "csv" : "jsonl";
}

async function* watched(
  bytes: AsyncIterable<Uint8Array>,
  onBytes: ((chunk: Uint8Array) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    onBytes?.(chunk);
    yield chunk;
  }
}

function openBytes(path: string, isGzip: boolean): AsyncIterable<Uint8Array> {
  const file = createReadStream(path);
  if (!isGzip) return file;
  // Destroys the far end with the near one's error, so that whoever reads hears of it.
  return pipeline(file, createGunzip(), () => undefined);
}

async function hasGzipMagic(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

async function firstText(path: string, isGzip: boolean): Promise<string> {
  for await (const chunk of openBytes(path, isGzip)) {
    const text = Buffer.from(chunk.subarray(0, sniffedBytes)).toString("utf8");
    return text.replace(/^\ufeff/, "");
  }
  return "";
}
