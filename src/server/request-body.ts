// Reads a request's body with a bound, whatever its framing says. Runs on the server thread.

import { isUtf8 } from "node:buffer";

import { GatewayError } from "../errors/gateway-error.ts";

/**
 * The whole body.
 *
 * @throws GatewayError `payload_too_large`, or `client_disconnected` when it never arrives whole
 */
export async function readBody(request: Request, bytesMax: number): Promise<Buffer> {
  const announced = Number(request.headers.get("content-length") ?? Number.NaN);
  if (announced > bytesMax) throw tooLarge(bytesMax);
  try {
    if (Number.isFinite(announced)) {
      const body = Buffer.from(await request.arrayBuffer());
      if (body.length > bytesMax) throw tooLarge(bytesMax);
      return body;
    }
    return await collect(request, bytesMax);
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw new GatewayError("client_disconnected", "the request body broke off", { cause: error });
  }
}

/**
 * A JSON body's text and value.
 *
 * @throws GatewayError `invalid_request`, which never repeats what was sent
 */
export function parseJsonBody(body: Buffer): { readonly text: string; readonly value: unknown } {
  if (!isUtf8(body)) throw new GatewayError("invalid_request", "the body is not valid UTF-8");
  const text = body.toString("utf8");
  try {
    return { text, value: JSON.parse(text) as unknown };
  } catch (error) {
    const message = text.trim() === "" ? "the body is empty" : "the body is not valid JSON";
    throw new GatewayError("invalid_request", message, { cause: error });
  }
}

async function collect(request: Request, bytesMax: number): Promise<Buffer> {
  if (request.body === null) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.length;
    if (sizeBytes > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, sizeBytes);
}

function tooLarge(bytesMax: number): GatewayError {
  return new GatewayError("payload_too_large", `the body is larger than ${bytesMax} bytes`);
}
