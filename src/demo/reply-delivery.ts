// Demo, tests and bench: sends one scripted reply over a raw connection, with the waits, cuts and silences
// its script asks for. Never keeps a timer once the other side is gone.

import { responseHead } from "./raw-response.ts";
import type { RawReply } from "./raw-http-server.ts";
import type { Script } from "./provider-script.ts";
import type { ReplyBytes } from "./stream-faults.ts";

export interface Delivery {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: ReplyBytes;
  /** Sent in chunked framing, as streams are; otherwise with a content-length. */
  readonly chunked: boolean;
  readonly script: Script;
  /** Told of each body piece handed to the socket. */
  readonly onPiece: (sizeBytes: number) => void;
}

/** Sends the whole reply in one turn and returns true; false, with nothing sent, when its script asks for more. */
export function deliverAtOnce(reply: RawReply, delivery: Delivery): boolean {
  if (!isUndisturbed(delivery.script)) return false;
  let text = head(delivery);
  let sentBytes = 0;
  for (const piece of delivery.bytes.pieces) {
    const sizeBytes = typeof piece === "string" ? Buffer.byteLength(piece) : piece.length;
    sentBytes += sizeBytes;
    const out = delivery.chunked ? framed(piece, sizeBytes) : piece;
    if (typeof out === "string") {
      text += out;
      continue;
    }
    reply.write(text);
    reply.write(out);
    text = "";
  }
  if (delivery.chunked) text += "0\r\n\r\n";
  if (text !== "") reply.write(text);
  delivery.onPiece(sentBytes);
  reply.end();
  return true;
}

/** Sends the reply to its end, its cut or its silence. Resolves then, or as soon as the other side is gone. */
export async function deliverPaced(reply: RawReply, delivery: Delivery): Promise<void> {
  const { script } = delivery;
  const pieces = delivery.chunked ? delivery.bytes.pieces : plainPieces(delivery);
  if (script.delayMs !== undefined) await pause(script.delayMs, reply);
  if (reply.gone() || script.hang === "before-headers") return;
  if (script.cutBeforeHeaders === true) return leave(reply, script);
  reply.write(head(delivery));
  for (const [at, piece] of pieces.entries()) {
    if (script.cutAfterChunks === at) return leave(reply, script);
    if (script.hang === "between-chunks" && at === (pieces.length + 1) >> 1) return;
    if (at > 0 && script.chunkDelayMs !== undefined) await pause(script.chunkDelayMs, reply);
    await reply.flushed();
    if (reply.gone()) return;
    const sizeBytes = typeof piece === "string" ? Buffer.byteLength(piece) : piece.length;
    if (delivery.chunked) reply.write(framed(piece, sizeBytes));
    else reply.write(piece);
    delivery.onPiece(sizeBytes);
  }
  if (script.cutAfterChunks !== undefined) return leave(reply, script);
  if (script.hang === "after-last") return;
  if (delivery.chunked) reply.write("0\r\n\r\n");
  if (script.contentLength === undefined) reply.end();
  else reply.close();
}

function isUndisturbed(script: Script): boolean {
  return (
    script.delayMs === undefined &&
    script.chunkDelayMs === undefined &&
    script.cutAfterChunks === undefined &&
    script.cutBeforeHeaders === undefined &&
    script.hang === undefined &&
    script.contentLength === undefined
  );
}

function head(delivery: Delivery): string {
  const { script, bytes } = delivery;
  const headers: Record<string, string> = { ...delivery.headers, ...script.headers };
  if (bytes.encoding !== undefined) headers["content-encoding"] = bytes.encoding;
  if (delivery.chunked) return responseHead(delivery.status, headers, "chunked");
  const sizeBytes = bytes.pieces.reduce(
    (sum, piece) => sum + (typeof piece === "string" ? Buffer.byteLength(piece) : piece.length),
    0,
  );
  return responseHead(delivery.status, headers, script.contentLength ?? sizeBytes);
}

/** A plain reply goes in one piece, or in small ones where the script counts or spaces them. */
function plainPieces(delivery: Delivery): readonly (string | Uint8Array)[] {
  const { script, bytes } = delivery;
  const spaced =
    script.cutAfterChunks ??
    script.chunkDelayMs ??
    (script.hang === "between-chunks" ? 0 : undefined);
  if (spaced === undefined || script.splitBytes !== undefined) return bytes.pieces;
  const whole = Buffer.concat(bytes.pieces.map((piece) => Buffer.from(piece)));
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < whole.length; at += 16) pieces.push(whole.subarray(at, at + 16));
  return pieces;
}

function framed(piece: string | Uint8Array, sizeBytes: number): string | Uint8Array {
  const size = sizeBytes.toString(16);
  if (typeof piece === "string") return `${size}\r\n${piece}\r\n`;
  return Buffer.concat([Buffer.from(`${size}\r\n`), piece, Buffer.from("\r\n")]);
}

function leave(reply: RawReply, script: Script): void {
  if (script.cutBy === "reset") reply.reset();
  else reply.close();
}

/** Waits, at most until the other side is gone. 0 ms is one turn of the loop. */
function pause(durationMs: number, reply: RawReply): Promise<void> {
  if (durationMs === 0) return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    const timer = setTimeout(done, durationMs);
    const forget = reply.onGone(done);
  });
}
