// Sends one export over HTTP, exporter thread. Never throws: what goes wrong on the way is an outcome.

import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { gzip as gzipCallback } from "node:zlib";
import type { DestinationConfig } from "../../config/schema.ts";
import { exportOutcome, type ExportOutcome } from "./otlp-response.ts";

/** Sends a body; `signal` ends it early. */
export type SendExport = (body: Uint8Array, signal: AbortSignal) => Promise<ExportOutcome>;

export type Fetch = (url: string, init: BunFetchRequestInit) => Promise<Response>;

export interface TransportOptions {
  readonly destination: DestinationConfig;
  readonly fetch: Fetch;
  readonly nowMs: () => number;
  readonly userAgent: string;
}

/** Off this thread: a batch takes tens of milliseconds, and commits would wait. */
const compress = promisify<Uint8Array, { level: number }, Uint8Array>(gzipCallback);

/** A larger answer is no OTLP answer (the OTLP specification's own bound). */
const answerBytesMax = 4 * 1024 * 1024;

/** Throws when a certificate or key file cannot be read. */
export function createTransport(options: TransportOptions): SendExport {
  const { destination } = options;
  const gzip = destination.compression === "gzip";
  const json = destination.protocol === "http/json";
  const tls = tlsOptions(destination);
  const headers = new Headers({
    "content-type": json ? "application/json" : "application/x-protobuf",
    "user-agent": options.userAgent,
  });
  if (gzip) headers.set("content-encoding", "gzip");
  for (const [name, value] of Object.entries(destination.headers)) headers.set(name, value);

  return async (body, signal) => {
    const timeout = AbortSignal.timeout(destination.timeoutMs);
    try {
      const response = await options.fetch(destination.endpoint, {
        method: "POST",
        headers,
        body: asBody(gzip ? await compress(body, { level: 1 }) : body),
        redirect: "manual",
        signal: AbortSignal.any([signal, timeout]),
        ...(tls !== undefined && { tls }),
      });
      return exportOutcome(await receive(response), options.nowMs());
    } catch (error) {
      const reason = timeout.aborted
        ? `no answer within ${destination.timeoutMs} ms`
        : errorText(error);
      return { kind: "retry", reason, retryAfterMs: undefined, isAnswered: false };
    }
  };
}

async function receive(response: Response) {
  return {
    status: response.status,
    contentType: response.headers.get("content-type") ?? "",
    retryAfter: response.headers.get("retry-after") ?? "",
    location: response.headers.get("location") ?? "",
    body: await readAnswer(response.body),
  };
}

/** Whatever its length says: that is the size before decompression, and anybody can write anything there. */
async function readAnswer(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    // Leaving the loop cancels the stream.
    if (sizeBytes > answerBytesMax)
      throw new Error(`an answer of more than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, sizeBytes);
}

function tlsOptions(destination: DestinationConfig): Record<string, string> | undefined {
  const { caFile, certFile, keyFile } = destination;
  if (caFile === undefined && certFile === undefined && keyFile === undefined) return undefined;
  return {
    ...(caFile !== undefined && { ca: readFileSync(caFile, "utf8") }),
    ...(certFile !== undefined && { cert: readFileSync(certFile, "utf8") }),
    ...(keyFile !== undefined && { key: readFileSync(keyFile, "utf8") }),
  };
}

function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return error.message.includes(code) ? error.message : `${error.message} (${code})`;
}

/** Our arrays never sit on shared memory; the type of Bun's body wants to be told. */
function asBody(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}
