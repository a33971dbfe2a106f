// Fuzz: a client on a bare socket that sends any bytes and reads whatever comes back. A connection is kept
// from one exchange to the next, as real clients keep theirs, until either side closes it.

import type { Socket } from "bun";
import { parseHeaderLines } from "../../src/demo/raw-request.ts";

export type Outcome =
  | {
      readonly kind: "reply";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      /** Whether the framing says that all of it came. */
      readonly complete: boolean;
      /** Bytes after the reply: an answer to something that was not asked. */
      readonly surplus: number;
    }
  /** The connection was closed without an answer. */
  | { readonly kind: "closed" }
  | { readonly kind: "late" };

export interface Exchange {
  /** Sent one after the other, each in a write of its own. */
  readonly pieces: readonly Uint8Array[];
  readonly isHead: boolean;
  /** Leave once this much has been sent, without waiting for an answer. */
  readonly leaves: boolean;
  /** Whether the connection is of no use afterwards, however it goes. */
  readonly spoils: boolean;
}

export interface Line {
  readonly exchange: (exchange: Exchange) => Promise<Outcome>;
  readonly close: () => void;
}

interface State {
  received: Buffer;
  closed: boolean;
  wake: (() => void) | undefined;
  unsent: Buffer;
}

const replyWithinMs = 10_000;
/** A request whose framing is wrong may be one that has not come whole yet: then nobody answers soon. */
const spoiltWithinMs = 2000;

export function createLine(port: number): Line {
  let socket: Socket<State> | undefined;

  async function open(): Promise<Socket<State>> {
    return Bun.connect<State>({
      hostname: "127.0.0.1",
      port,
      data: { received: Buffer.alloc(0), closed: false, wake: undefined, unsent: Buffer.alloc(0) },
      socket: {
        data(from, chunk) {
          from.data.received = Buffer.concat([from.data.received, chunk]);
          from.data.wake?.();
        },
        drain(to) {
          const sent = to.write(to.data.unsent);
          to.data.unsent = to.data.unsent.subarray(Math.max(0, sent));
          if (to.data.unsent.length === 0) to.data.wake?.();
        },
        close(from) {
          from.data.closed = true;
          from.data.wake?.();
        },
        error(from) {
          from.data.closed = true;
          from.data.wake?.();
        },
      },
    });
  }

  return {
    async exchange({ pieces, isHead, leaves, spoils }) {
      if (socket === undefined || socket.data.closed) socket = await open();
      const to = socket;
      to.data.received = Buffer.alloc(0);
      for (const piece of pieces) {
        if (to.data.closed) break;
        const sent = to.write(piece);
        if (sent < piece.length) {
          to.data.unsent = Buffer.from(piece.subarray(Math.max(0, sent)));
          await until(to.data, () => to.data.closed || to.data.unsent.length === 0);
        } else if (pieces.length > 1) await Bun.sleep(0);
      }
      if (leaves) {
        to.terminate();
        socket = undefined;
        return { kind: "closed" };
      }
      const withinMs = spoils ? spoiltWithinMs : replyWithinMs;
      const outcome = await readOutcome(to.data, { isHead, withinMs });
      const isOver = outcome.kind !== "reply" || !outcome.complete;
      if (spoils || isOver || outcome.headers["connection"] === "close") {
        to.terminate();
        socket = undefined;
      }
      return outcome;
    },
    close: () => socket?.terminate(),
  };
}

async function readOutcome(
  state: State,
  { isHead, withinMs }: { isHead: boolean; withinMs: number },
): Promise<Outcome> {
  let found: Outcome | undefined;
  const settled = await until(
    state,
    () => {
      found = parse(state.received, { isHead, closed: state.closed });
      return found !== undefined || state.closed;
    },
    withinMs,
  );
  return found ?? { kind: settled ? "closed" : "late" };
}

/** Waits for a condition that only the socket's events can make true; false at the deadline. */
async function until(
  state: State,
  holds: () => boolean,
  withinMs = replyWithinMs,
): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!holds()) {
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return false;
    const woken = Promise.withResolvers<void>();
    const timer = setTimeout(woken.resolve, leftMs);
    state.wake = woken.resolve;
    await woken.promise;
    clearTimeout(timer);
    state.wake = undefined;
  }
  return true;
}

function parse(
  bytes: Buffer,
  { isHead, closed }: { isHead: boolean; closed: boolean },
): Outcome | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = bytes.toString("latin1", 0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  const rest = bytes.subarray(end + 4);
  if (status === 100) return parse(rest, { isHead, closed });
  const headers = parseHeaderLines(head);
  const common = { kind: "reply", status, headers } as const;
  if (isHead || status === 204 || status === 304) {
    return { ...common, body: "", complete: true, surplus: rest.length };
  }
  const body = readBody(rest, headers, closed);
  if (body === undefined) return undefined;
  return { ...common, ...body };
}

interface Body {
  readonly body: string;
  readonly complete: boolean;
  readonly surplus: number;
}

function readBody(
  rest: Buffer,
  headers: Readonly<Record<string, string>>,
  closed: boolean,
): Body | undefined {
  if (headers["transfer-encoding"] === "chunked") return readChunks(rest, closed);
  const length = headers["content-length"];
  if (length === undefined) {
    // Bun's own refusals announce no length: the connection's end is the body's.
    return closed || headers["connection"] === "close"
      ? { body: rest.toString("latin1"), complete: true, surplus: 0 }
      : undefined;
  }
  const size = Number(length);
  if (rest.length < size && !closed) return undefined;
  return {
    body: rest.toString("latin1", 0, size),
    complete: rest.length >= size,
    surplus: Math.max(0, rest.length - size),
  };
}

function readChunks(rest: Buffer, closed: boolean): Body | undefined {
  let body = "";
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf("\r\n", at);
    if (lineEnd < 0) break;
    const size = Number.parseInt(rest.toString("latin1", at, lineEnd), 16);
    // What follows is no chunk: Bun's refusal of what came after the request, cut into the answer.
    if (Number.isNaN(size)) return { body, complete: false, surplus: rest.length - at };
    const next = lineEnd + 2 + size + 2;
    if (rest.length < next) break;
    body += rest.toString("latin1", lineEnd + 2, lineEnd + 2 + size);
    at = next;
    if (size === 0) return { body, complete: true, surplus: rest.length - at };
  }
  return closed ? { body, complete: false, surplus: 0 } : undefined;
}
