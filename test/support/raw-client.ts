// Tests: a client on bare TCP sockets, for what fetch cannot do: a thousand calls at once in one process,
// leaving at an exact point, duplicate headers, bodies that never end.

import { parseHeaderLines } from "../../src/demo/raw-request.ts";

export interface RawClientReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** As far as it came; chunked framing removed. */
  readonly body: string;
  /** Whether the framing says that all of it came. */
  readonly complete: boolean;
}

export interface RawCall {
  /** Resolves when the reply is complete or the connection is gone; rejects if no head ever came. */
  readonly reply: Promise<RawClientReply>;
  /** Resolves when at least this many bytes of the reply have come. */
  readonly received: (sizeBytes: number) => Promise<void>;
  /** Drops the connection. */
  readonly leave: () => void;
}

/** Posts a body on a connection of its own. `headers` go as they are, so that a name may come twice. */
export async function rawPost(
  url: string,
  body: string,
  headers: readonly (readonly [string, string])[] = [],
): Promise<RawCall> {
  const { hostname, port, pathname, search } = new URL(url);
  const bytes = Buffer.from(body);
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head =
    `POST ${pathname}${search} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nconnection: close\r\n` +
    `content-type: application/json\r\ncontent-length: ${bytes.length}\r\n${lines}\r\n`;
  const chunks: Buffer[] = [];
  const waiting = new Set<{ sizeBytes: number; resolve: () => void }>();
  let sizeBytes = 0;
  const closed = Promise.withResolvers<void>();
  let unsent = Buffer.concat([Buffer.from(head), bytes]);
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data(_, chunk) {
        chunks.push(Buffer.from(chunk));
        sizeBytes += chunk.length;
        for (const waiter of waiting) {
          if (sizeBytes < waiter.sizeBytes) continue;
          waiting.delete(waiter);
          waiter.resolve();
        }
      },
      drain(open) {
        unsent = unsent.subarray(Math.max(0, open.write(unsent)));
      },
      close: () => closed.resolve(),
      error: () => closed.resolve(),
    },
  });
  unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
  return {
    reply: closed.promise.then(() => readReply(Buffer.concat(chunks))),
    received: (wanted) =>
      sizeBytes >= wanted
        ? Promise.resolve()
        : new Promise((resolve) => waiting.add({ sizeBytes: wanted, resolve })),
    leave: () => socket.terminate(),
  };
}

function readReply(bytes: Buffer): RawClientReply {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) throw new Error(`the connection closed without a reply: ${bytes.toString()}`);
  const head = bytes.toString("latin1", 0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  const headers = parseHeaderLines(head);
  const rest = bytes.subarray(end + 4);
  if (headers["transfer-encoding"] !== "chunked") {
    const length = Number(headers["content-length"] ?? rest.length);
    return { status, headers, body: rest.toString(), complete: rest.length === length };
  }
  return { status, headers, ...readChunks(rest) };
}

function readChunks(bytes: Buffer): { body: string; complete: boolean } {
  const pieces: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) break;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    if (size === 0) return { body: Buffer.concat(pieces).toString(), complete: true };
    pieces.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return { body: Buffer.concat(pieces).toString(), complete: false };
}
