// Bench: the provider, a process of its own. Bare sockets and replies built beforehand, so that it costs the
// machine as little as can be. What it does is chosen by the model's name, which is in the first bytes of a body:
//   plain            a completion at once
//   wait-N           the same after N ms
//   sized-N          a completion of N characters
//   stream           a 50-chunk stream in one write
//   apart            a 50-chunk stream, each chunk a write of its own, one in a turn of the loop
//   paced-N          a 50-chunk stream, N ms between chunks
// A stream carries usage as OpenAI's does: only when `include_usage` is asked for, and then on every chunk.

import type { Socket } from "bun";

interface Connection {
  head: Buffer | undefined;
  /** What is kept of the body, to choose by. */
  start: string;
  remaining: number;
  chunked: boolean;
  tail: string;
  inBody: boolean;
  unsent: Uint8Array | undefined;
}

const chunksPerStream = 50;
const keptOfBody = 4096;
const headEnd = Buffer.from("\r\n\r\n");

const plainText =
  "Paris is the capital of France, and has been for most of the last thousand years.";
const plainReply = plainBytes(plainText);
/** By the number of characters. */
const sizedReplies = new Map<number, Buffer>();
const streamParts = { bare: streamPieces(false), usage: streamPieces(true) };
const streamReplies = {
  bare: Buffer.concat(streamParts.bare),
  usage: Buffer.concat(streamParts.usage),
};

const server = Bun.listen<Connection>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.setNoDelay(true);
      socket.data = {
        head: undefined,
        start: "",
        remaining: 0,
        chunked: false,
        tail: "",
        inBody: false,
        unsent: undefined,
      };
    },
    data: receive,
    drain(socket) {
      const { unsent } = socket.data;
      socket.data.unsent = undefined;
      if (unsent !== undefined) write(socket, unsent);
    },
    // A gateway that is killed leaves its connections: nothing to do.
    error() {},
  },
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port: server.port });

function receive(socket: Socket<Connection>, chunk: Buffer): void {
  const state = socket.data;
  let body = chunk;
  if (!state.inBody) {
    const all = state.head === undefined ? chunk : Buffer.concat([state.head, chunk]);
    const end = all.indexOf(headEnd);
    if (end < 0) {
      state.head = Buffer.from(all);
      return;
    }
    const head = all.toString("latin1", 0, end).toLowerCase();
    const at = head.indexOf("\r\ncontent-length: ");
    state.remaining = at < 0 ? 0 : Number.parseInt(head.slice(at + 18), 10);
    state.chunked = head.includes("\r\ntransfer-encoding: chunked");
    state.head = undefined;
    state.start = "";
    state.tail = "";
    state.inBody = true;
    body = all.subarray(end + 4);
  }
  if (state.start.length < keptOfBody) {
    state.start += body.toString("latin1", 0, Math.min(body.length, keptOfBody));
  }
  if (state.chunked) {
    state.tail = (state.tail + body.toString("latin1", Math.max(0, body.length - 5))).slice(-5);
    if (state.tail !== "0\r\n\r\n") return;
  } else {
    state.remaining -= body.length;
    if (state.remaining > 0) return;
  }
  state.inBody = false;
  answer(socket, state.start);
}

function answer(socket: Socket<Connection>, body: string): void {
  const at = body.indexOf('"model":"') + 9;
  const model = body.slice(at, body.indexOf('"', at));
  const kind = body.includes('"include_usage":true') ? "usage" : "bare";
  if (model === "plain") write(socket, plainReply);
  else if (model === "stream") write(socket, streamReplies[kind]);
  else if (model === "apart") writeApart(socket, streamParts[kind]);
  else if (model.startsWith("sized-")) write(socket, sizedReply(Number(model.slice(6))));
  else if (model.startsWith("wait-")) {
    setTimeout(() => write(socket, plainReply), Number(model.slice(5)));
  } else if (model.startsWith("paced-")) pace(socket, streamParts[kind], Number(model.slice(6)));
  else write(socket, Buffer.from("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"));
}

/** Streams that are written apart, and how far each has come. */
const apart: {
  readonly socket: Socket<Connection>;
  readonly parts: readonly Buffer[];
  next: number;
}[] = [];

function writeApart(socket: Socket<Connection>, parts: readonly Buffer[]): void {
  apart.push({ socket, parts, next: 0 });
  if (apart.length === 1) setImmediate(writeNextOfEach);
}

function writeNextOfEach(): void {
  for (let index = apart.length - 1; index >= 0; index--) {
    const stream = apart[index];
    const part = stream?.parts[stream.next++];
    if (stream !== undefined && part !== undefined && stream.socket.readyState > 0) {
      write(stream.socket, part);
    } else {
      apart.splice(index, 1);
    }
  }
  if (apart.length > 0) setImmediate(writeNextOfEach);
}

function pace(socket: Socket<Connection>, parts: readonly Buffer[], everyMs: number): void {
  let next = 0;
  const timer = setInterval(() => {
    const part = parts[next++];
    if (part === undefined || socket.readyState < 1) clearInterval(timer);
    else write(socket, part);
  }, everyMs);
}

function write(socket: Socket<Connection>, bytes: Uint8Array): void {
  const { data } = socket;
  if (data.unsent !== undefined) {
    data.unsent = Buffer.concat([data.unsent, bytes]);
    return;
  }
  const written = Math.max(0, socket.write(bytes));
  if (written < bytes.length) data.unsent = bytes.subarray(written);
}

function usage(): string {
  return (
    '"usage":{"prompt_tokens":40,"completion_tokens":50,"total_tokens":90,' +
    '"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},' +
    '"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,' +
    '"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}'
  );
}

function sizedReply(chars: number): Buffer {
  const known = sizedReplies.get(chars) ?? plainBytes(plainText.repeat(chars / 80).slice(0, chars));
  sizedReplies.set(chars, known);
  return known;
}

function plainBytes(text: string): Buffer {
  const body =
    '{"id":"chatcmpl-bench000000000000000000001","object":"chat.completion","created":1760000000,' +
    '"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant",' +
    `"content":"${text}",` +
    '"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],' +
    `${usage()},"service_tier":"default","system_fingerprint":"fp_bench"}`;
  return Buffer.from(
    `${replyHead("application/json")}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** The head with the first event, then one piece per event; the last carries the end of the body. */
function streamPieces(withUsage: boolean): Buffer[] {
  const start =
    'data: {"id":"chatcmpl-bench000000000000000000001","object":"chat.completion.chunk",' +
    '"created":1760000000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default",' +
    '"system_fingerprint":"fp_bench",';
  const end = withUsage ? ',"usage":null}\n\n' : "}\n\n";
  const event = (delta: string, finish: string): string =>
    `${start}"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish}}]${end}`;
  const events = [event('{"role":"assistant","content":"","refusal":null}', "null")];
  for (let index = 0; index < chunksPerStream; index++) {
    events.push(event(`{"content":" word${index}"}`, "null"));
  }
  events.push(event("{}", '"stop"'));
  if (withUsage) events.push(`${start}"choices":[],${usage()}}\n\n`);
  events.push("data: [DONE]\n\n");
  const framed = events.map((text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
  framed[0] = `${replyHead("text/event-stream; charset=utf-8")}transfer-encoding: chunked\r\n\r\n${framed[0]}`;
  framed.push(`${framed.pop()}0\r\n\r\n`);
  return framed.map((text) => Buffer.from(text));
}

function replyHead(contentType: string): string {
  return (
    `HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\ndate: Sat, 21 Nov 2026 12:00:00 GMT\r\n` +
    "x-request-id: req_bench\r\nopenai-processing-ms: 7\r\nx-ratelimit-remaining-requests: 9999\r\n"
  );
}
