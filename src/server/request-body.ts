// Reads a request's body with a bound in size and in time, whatever its framing says. Runs on the server
// thread.

import { isUtf8 } from "node:buffer";

import { findDuplicateKey } from "../apischema/duplicate-keys.ts";
import { GatewayError } from "../errors/gateway-error.ts";

export interface BodyBounds {
  readonly bytesMax: number;
  /** What any body may take, however small. */
  readonly graceMs: number;
}

/** A sender slower than this, once its grace is over, only means to keep the connection. */
const bytesPerSecondMin = 64 * 1024;

/**
 * The whole body.
 *
 * @throws GatewayError `payload_too_large`, `request_timeout` when it comes too slowly, or
 *   `client_disconnected` when it never arrives whole
 */
export function readBody(request: Request, bounds: BodyBounds): Promise<Buffer> {
  const announced = Number(request.headers.get("content-length") ?? Number.NaN);
  if (announced > bounds.bytesMax) return Promise.reject(tooLarge(bounds.bytesMax));
  return Number.isFinite(announced)
    ? readAnnounced(request, announced, bounds)
    : readUnannounced(request, bounds);
}

function readAnnounced(
  request: Request,
  announced: number,
  { bytesMax, graceMs }: BodyBounds,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const withinMs = graceMs + (announced / bytesPerSecondMin) * 1000;
    const timer = setTimeout(() => reject(tooSlow()), withinMs);
    request.arrayBuffer().then(
      (bytes) => {
        clearTimeout(timer);
        if (bytes.byteLength > bytesMax) reject(tooLarge(bytesMax));
        else resolve(Buffer.from(bytes));
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(brokenOff(error));
      },
    );
  });
}

async function readUnannounced(
  request: Request,
  { bytesMax, graceMs }: BodyBounds,
): Promise<Buffer> {
  const late = Promise.withResolvers<never>();
  const startedMs = performance.now();
  const expectWithin = (earnedMs: number): ReturnType<typeof setTimeout> =>
    setTimeout(() => late.reject(tooSlow()), graceMs + earnedMs);
  let timer = expectWithin(0);
  try {
    return await collect(request, { bytesMax, late: late.promise }, (sizeBytes) => {
      // What has come so far earns the sender its time.
      clearTimeout(timer);
      const spentMs = performance.now() - startedMs;
      timer = expectWithin((sizeBytes / bytesPerSecondMin) * 1000 - spentMs);
    });
  } catch (error) {
    throw error instanceof GatewayError ? error : brokenOff(error);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A JSON body's text and value. A key that an object has twice is refused: parsers differ in which of the
 * two they take, so what is checked here might not be what the provider reads.
 *
 * @throws GatewayError `invalid_request`, which never repeats what was sent
 */
export function parseJsonBody(body: Buffer): { readonly text: string; readonly value: unknown } {
  if (!isUtf8(body)) throw new GatewayError("invalid_request", "the body is not valid UTF-8");
  const text = body.toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const message = text.trim() === "" ? "the body is empty" : "the body is not valid JSON";
    throw new GatewayError("invalid_request", message, { cause: error });
  }
  if (findDuplicateKey(text) !== undefined) {
    throw new GatewayError("invalid_request", "the body has an object with the same key twice");
  }
  return { text, value };
}

async function collect(
  request: Request,
  { bytesMax, late }: { readonly bytesMax: number; readonly late: Promise<never> },
  onProgress: (sizeBytes: number) => void,
): Promise<Buffer> {
  const reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (reader === undefined) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), late]);
      if (next.done) return Buffer.concat(chunks, sizeBytes);
      sizeBytes += next.value.length;
      if (sizeBytes > bytesMax) throw tooLarge(bytesMax);
      chunks.push(next.value);
      onProgress(sizeBytes);
    }
  } catch (error) {
    void reader.cancel().catch(() => undefined); // broken already, or of no more interest
    throw error;
  }
}

function tooLarge(bytesMax: number): GatewayError {
  return new GatewayError("payload_too_large", `the body is larger than ${bytesMax} bytes`);
}

function tooSlow(): GatewayError {
  return new GatewayError("request_timeout", "the body did not arrive in time");
}

function brokenOff(cause: unknown): GatewayError {
  return new GatewayError("client_disconnected", "the request body broke off", { cause });
}
