// The bytes of a batch's input as UTF-8, main thread: decompressed, and UTF-16 made UTF-8 where a byte order mark says
// that it is some. Bytes that are not UTF-8 are left for the readers to find.

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";

export interface InputBytes {
  /** The beginning, decoded, without a byte order mark. */
  readonly start: string;
  /** From the beginning each time. `onBytes` sees each chunk, decompressed, before it is given out. */
  readonly read: (onBytes?: (chunk: Uint8Array) => void) => AsyncIterable<Uint8Array>;
}

type Encoding = "utf-8" | "utf-16le" | "utf-16be";

const startBytes = 65_536;

/** @throws Error where the bytes cannot be read, or are those of another encoding */
export async function openBytes(path: string): Promise<InputBytes> {
  const isGzip = await hasGzipMagic(path);
  const first = await firstBytes(decompressed(path, isGzip));
  const encoding = encodingOf(first);
  return {
    start: new TextDecoder(encoding).decode(first),
    read: (onBytes) => asUtf8(watched(decompressed(path, isGzip), onBytes), encoding),
  };
}

function encodingOf(first: Uint8Array): Encoding {
  const [one, two] = first;
  if (one === 0xff && two === 0xfe) return "utf-16le";
  if (one === 0xfe && two === 0xff) return "utf-16be";
  if (one === 0 || two === 0) {
    throw new Error("it looks like UTF-16 without a byte order mark; save it as UTF-8");
  }
  return "utf-8";
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

function asUtf8(bytes: AsyncIterable<Uint8Array>, encoding: Encoding): AsyncIterable<Uint8Array> {
  return encoding === "utf-8" ? bytes : transcoded(bytes, encoding);
}

async function* transcoded(
  bytes: AsyncIterable<Uint8Array>,
  encoding: Encoding,
): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const decode = (chunk?: Uint8Array): Uint8Array => {
    try {
      return Buffer.from(decoder.decode(chunk, { stream: chunk !== undefined }));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      const message = "it is not UTF-16 throughout, as it begins; save it as UTF-8";
      throw new Error(message, { cause: error });
    }
  };
  for await (const chunk of bytes) yield decode(chunk);
  yield decode();
}

function decompressed(path: string, isGzip: boolean): AsyncIterable<Uint8Array> {
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

async function firstBytes(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of bytes) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes >= startBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, startBytes);
}
