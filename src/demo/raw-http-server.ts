// Demo and tests: an HTTP/1.1 server on bare TCP sockets, so that a reply can be wrong in any way a real
// network makes it wrong: cut, reset, silent, mis-sized. Loopback only; must never face the outside.

import type { Socket } from "bun";
import { parseRawRequest, type RawRequest } from "./raw-request.ts";

/** One reply being written. All writes go out as they are: status line and framing are the caller's. */
export interface RawReply {
  readonly write: (bytes: Uint8Array | string) => void;
  /** Resolves when the socket has taken all that was written, or is gone. */
  readonly flushed: () => Promise<void>;
  /** The reply is whole: the connection may carry its next request. */
  readonly end: () => void;
  /** Ends the connection in order (FIN) once all is flushed, whatever the reply promised. */
  readonly close: () => void;
  /** Drops the connection at once (RST where the platform sends one). */
  readonly reset: () => void;
  /** Whether the other side has left before the reply ended. */
  readonly gone: () => boolean;
  /** Calls back if the other side leaves before the reply ended; returns how to stop listening. */
  readonly onGone: (listener: () => void) => () => void;
}

export interface RawHttpServer {
  readonly port: number;
  readonly openConnections: () => number;
  /** Drops all connections. */
  readonly stop: () => void;
}

export interface RawHttpOptions {
  readonly port?: number;
  readonly hostname?: string;
  /** Must call one of end, close, reset in the end. What it throws closes the connection. */
  readonly answer: (request: RawRequest, reply: RawReply) => void;
}

interface Connection {
  received: Buffer | undefined;
  unsent: Uint8Array[];
  waiting: (() => void)[];
  busy: boolean;
  closing: boolean;
  closed: boolean;
  leaveListeners: Set<() => void> | undefined;
}

/** Starts the server; port 0 (the default) takes any free one. Throws if the port is taken. */
export function startRawHttpServer(options: RawHttpOptions): RawHttpServer {
  const sockets = new Set<Socket<Connection>>();
  const listener = Bun.listen<Connection>({
    hostname: options.hostname ?? "127.0.0.1",
    port: options.port ?? 0,
    socket: {
      open(socket) {
        sockets.add(socket);
        socket.setNoDelay(true);
        socket.data = {
          received: undefined,
          unsent: [],
          waiting: [],
          busy: false,
          closing: false,
          closed: false,
          leaveListeners: undefined,
        };
      },
      data(socket, bytes) {
        const { received } = socket.data;
        socket.data.received = received === undefined ? bytes : Buffer.concat([received, bytes]);
        takeRequests(socket, options.answer);
      },
      drain: (socket) => sendUnsent(socket),
      close(socket) {
        sockets.delete(socket);
        left(socket.data);
      },
      error(socket) {
        left(socket.data);
      },
    },
  });
  return {
    port: listener.port,
    openConnections: () => sockets.size,
    stop() {
      listener.stop(true);
      for (const socket of sockets) socket.terminate();
    },
  };
}

function takeRequests(socket: Socket<Connection>, answer: RawHttpOptions["answer"]): void {
  const connection = socket.data;
  while (!connection.busy && !connection.closing && connection.received !== undefined) {
    const parsed = parseRawRequest(connection.received);
    if (parsed.kind === "incomplete") return;
    if (parsed.kind === "malformed") {
      socket.end(`HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      return;
    }
    const rest = connection.received.subarray(parsed.consumed);
    connection.received = rest.length === 0 ? undefined : rest;
    connection.busy = true;
    answer(
      parsed.request,
      createReply(socket, () => takeRequests(socket, answer)),
    );
  }
}

function createReply(socket: Socket<Connection>, next: () => void): RawReply {
  const connection = socket.data;
  return {
    write: (bytes) => send(socket, bytes),
    flushed: () =>
      connection.closed || connection.unsent.length === 0
        ? Promise.resolve()
        : new Promise((resolve) => connection.waiting.push(resolve)),
    end() {
      connection.busy = false;
      connection.leaveListeners = undefined;
      // Pipelined requests wait in `received`; the loop in takeRequests goes on by itself when it is the caller.
      if (connection.received !== undefined) queueMicrotask(next);
    },
    close() {
      connection.leaveListeners = undefined;
      connection.closing = true;
      if (connection.unsent.length === 0) socket.end();
    },
    reset() {
      connection.leaveListeners = undefined;
      connection.closing = true;
      socket.terminate();
    },
    gone: () => connection.closed,
    onGone(listener) {
      if (connection.closed) listener();
      const listeners = (connection.leaveListeners ??= new Set());
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function send(socket: Socket<Connection>, bytes: Uint8Array | string): void {
  const connection = socket.data;
  if (connection.closed || connection.closing) return;
  if (connection.unsent.length > 0) {
    connection.unsent.push(typeof bytes === "string" ? Buffer.from(bytes) : bytes);
    return;
  }
  const size = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length;
  const written = Math.max(0, socket.write(bytes));
  if (written >= size) return;
  const all = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
  connection.unsent.push(all.subarray(written));
}

function sendUnsent(socket: Socket<Connection>): void {
  const connection = socket.data;
  while (connection.unsent.length > 0) {
    const first = connection.unsent[0];
    if (first === undefined) break;
    const written = Math.max(0, socket.write(first));
    if (written < first.length) {
      connection.unsent[0] = first.subarray(written);
      return;
    }
    connection.unsent.shift();
  }
  for (const resolve of connection.waiting.splice(0)) resolve();
  if (connection.closing) socket.end();
}

function left(connection: Connection): void {
  if (connection.closed) return;
  connection.closed = true;
  connection.unsent = [];
  for (const resolve of connection.waiting.splice(0)) resolve();
  for (const listener of connection.leaveListeners ?? []) listener();
  connection.leaveListeners = undefined;
}
