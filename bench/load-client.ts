// Bench: the load generator. Raw keep-alive sockets, one request in flight on each, sent again when its
// reply is whole. Reads of a reply only what framing needs, so that it takes little of the machine.

import type { Socket } from "bun";

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  /** The whole request, head and body, as it goes out each time. */
  readonly request: Uint8Array;
  /** Stop sending after this long; what is in flight is waited for. */
  readonly forMs?: number;
  /** Stop after this many requests. One of the two must be given. */
  readonly calls?: number;
  /** Give up when the last reply is this late (default 30 s). */
  readonly graceMs?: number;
  /** Connections opened at once at the start (default 250). */
  readonly connectBatch?: number;
  /** A connection that was turned away (503) waits this long; 0, the default, tries again at once. */
  readonly backOffMs?: number;
  /** Wait until all connections are open before the first request goes out. */
  readonly together?: boolean;
}

export interface LoadResult {
  readonly calls: number;
  /** From the first request to the last reply. */
  readonly seconds: number;
  readonly callsPerSecond: number;
  /** Replies by status. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Replies of a status other than 200, cut replies and refused connections. */
  readonly failed: number;
  /** Replies with a 503 that carried `retry-after`. */
  readonly turnedAway: number;
  readonly bytes: number;
  /** Sorted, milliseconds, of the replies with status 200. */
  readonly latenciesMs: Float64Array;
  /** Sorted, milliseconds to the first byte of the body. */
  readonly firstByteMs: Float64Array;
}

interface Connection {
  sentAtMs: number;
  unsent: Uint8Array | undefined;
  head: Buffer | undefined;
  status: number;
  /** Body bytes still to come; -1 while chunked, when the end is looked for. */
  remaining: number;
  tail: string;
  hasBody: boolean;
}

const headEnd = Buffer.from("\r\n\r\n");

/** Runs one load to its end. Rejects only when no connection could be opened at all. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { port, request, graceMs = 30_000, backOffMs = 0 } = options;
  const latencies: number[] = [];
  const firstBytes: number[] = [];
  const statuses: Record<number, number> = {};
  const sockets = new Set<Socket<Connection>>();
  let [sent, done, failed, turnedAway, bytes] = [0, 0, 0, 0, 0];
  let endedAtMs = 0;
  let startedAtMs = performance.now();
  let stopSendingAtMs = Number.POSITIVE_INFINITY;
  const finished = Promise.withResolvers<void>();
  const mayStart = Promise.withResolvers<void>();

  function send(socket: Socket<Connection>): void {
    const now = performance.now();
    if (now >= stopSendingAtMs || sent >= (options.calls ?? Number.POSITIVE_INFINITY)) {
      socket.end();
      return;
    }
    sent++;
    const state = socket.data;
    state.sentAtMs = now;
    state.head = undefined;
    state.status = 0;
    state.hasBody = false;
    const written = socket.write(request);
    state.unsent = written < request.length ? request.subarray(Math.max(0, written)) : undefined;
  }

  function receive(socket: Socket<Connection>, chunk: Buffer): void {
    const state = socket.data;
    bytes += chunk.length;
    let body = chunk;
    if (state.status === 0) {
      const all = state.head === undefined ? chunk : Buffer.concat([state.head, chunk]);
      const end = all.indexOf(headEnd);
      if (end < 0) {
        state.head = Buffer.from(all);
        return;
      }
      readHead(state, all.toString("latin1", 0, end).toLowerCase());
      body = all.subarray(end + 4);
    }
    if (!state.hasBody && body.length > 0) {
      state.hasBody = true;
      firstBytes.push(performance.now() - state.sentAtMs);
    }
    if (state.remaining >= 0) {
      state.remaining -= body.length;
      if (state.remaining > 0) return;
    } else {
      state.tail = (state.tail + body.toString("latin1", Math.max(0, body.length - 5))).slice(-5);
      if (state.tail !== "0\r\n\r\n") return;
    }
    complete(socket);
  }

  function readHead(state: Connection, head: string): void {
    state.status = Number(head.slice(9, 12));
    const at = head.indexOf("\r\ncontent-length: ");
    state.remaining = at < 0 ? -1 : Number.parseInt(head.slice(at + 18), 10);
    state.tail = "";
    if (state.status === 503 && head.includes("\r\nretry-after: ")) turnedAway++;
  }

  function complete(socket: Socket<Connection>): void {
    const { status, sentAtMs } = socket.data;
    endedAtMs = performance.now();
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === 200) latencies.push(endedAtMs - sentAtMs);
    else failed++;
    done++;
    socket.data.status = -1;
    if (status === 503 && backOffMs > 0) setTimeout(() => send(socket), backOffMs);
    else send(socket);
  }

  function closed(socket: Socket<Connection>): void {
    if (!sockets.delete(socket)) return;
    // -1: idle between requests. Anything else is a reply that never became whole.
    if (socket.data.status !== -1) {
      failed++;
      done++;
    }
    if (sockets.size === 0) finished.resolve();
  }

  async function open(): Promise<void> {
    try {
      await Bun.connect<Connection>({
        hostname: "127.0.0.1",
        port,
        data: {
          sentAtMs: 0,
          unsent: undefined,
          head: undefined,
          status: -1,
          remaining: 0,
          tail: "",
          hasBody: false,
        },
        socket: {
          open(socket) {
            sockets.add(socket);
            socket.setNoDelay(true);
            if (options.together === true) void mayStart.promise.then(() => send(socket));
            else send(socket);
          },
          data: receive,
          drain(socket) {
            const { unsent } = socket.data;
            if (unsent === undefined) return;
            const written = Math.max(0, socket.write(unsent));
            socket.data.unsent = written < unsent.length ? unsent.subarray(written) : undefined;
          },
          close: closed,
          error: closed,
        },
      });
    } catch {
      failed++; // a refused connection is a failed call: the figure says so
    }
  }

  if (options.forMs !== undefined) stopSendingAtMs = performance.now() + options.forMs;
  const batch = options.connectBatch ?? 250;
  for (let opened = 0; opened < options.connections; opened += batch) {
    const count = Math.min(batch, options.connections - opened);
    await Promise.all(Array.from({ length: count }, open));
  }
  if (sockets.size === 0 && done === 0) throw new Error(`nothing listens on port ${port}`);
  if (options.together === true) {
    startedAtMs = performance.now();
    if (options.forMs !== undefined) stopSendingAtMs = startedAtMs + options.forMs;
    mayStart.resolve();
  }
  if (sockets.size === 0) finished.resolve();
  const deadline = setTimeout(
    () => {
      for (const socket of sockets) socket.terminate();
      finished.resolve();
    },
    Math.min(stopSendingAtMs - performance.now(), 600_000) + graceMs,
  );
  await finished.promise;
  clearTimeout(deadline);
  const seconds = (endedAtMs - startedAtMs) / 1000;
  return {
    calls: done,
    seconds,
    callsPerSecond: latencies.length / seconds,
    statuses,
    failed,
    turnedAway,
    bytes,
    latenciesMs: Float64Array.from(latencies).toSorted(),
    firstByteMs: Float64Array.from(firstBytes).toSorted(),
  };
}

/** The value below which `share` (0 to 1) of the sorted values lie. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** A chat request as bytes. `model` tells the bench's provider what to do (provider-process.ts). */
export function chatRequest(options: {
  readonly model: string;
  readonly stream?: boolean;
  readonly askUsage?: boolean;
  readonly promptBytes?: number;
}): Uint8Array {
  const prompt = "What is the capital of France? ".repeat(
    Math.ceil((options.promptBytes ?? 200) / 31),
  );
  const body = JSON.stringify({
    model: options.model,
    ...(options.stream === true && { stream: true }),
    ...(options.askUsage === true && { stream_options: { include_usage: true } }),
    messages: [
      { role: "system", content: "Answer in one word." },
      { role: "user", content: prompt },
    ],
    temperature: 0.2,
  });
  return Buffer.from(
    "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: bench\r\naccept: */*\r\n" +
      "authorization: Bearer bench-key\r\ncontent-type: application/json\r\n" +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
