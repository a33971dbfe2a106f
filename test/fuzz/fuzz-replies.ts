// Fuzz: what a provider answers request `index`, right or wrong in any way that bytes can be. Pure.

import { createRandom } from "../unit/apischema/random-json.ts";
import type { Random } from "../unit/apischema/random-json.ts";
import { cut, damage, randomBytes, text } from "./fuzz-bytes.ts";

export interface FuzzReply {
  readonly pieces: readonly Uint8Array[];
  /** What becomes of the connection afterwards. `hang` leaves it open, silent. */
  readonly after: "keep" | "close" | "reset" | "hang";
}

export const replyCanary = "reply-canary-77aa";

export function fuzzReply(seed: number, index: number, path: string): FuzzReply {
  const random = createRandom(Math.imul(seed, 0x85ebca6b) ^ ~index);
  const isAnthropic = path.includes("/messages");
  const isStream = random.chance(0.5);
  const kind = random.below(12);
  if (kind === 0) return { pieces: [randomBytes(random, random.below(300))], after: "close" };
  if (kind === 1) return { pieces: [], after: random.pick(["close", "reset"]) };
  let body = isStream ? streamBody(random, isAnthropic) : plainBody(isAnthropic);
  if (kind <= 4) body = damage(random, body);
  let head = statusLine(random, kind) + headerLines(random, { isStream, odd: kind === 5 });
  const isChunked = random.chance(0.5);
  head += isChunked ? "transfer-encoding: chunked\r\n" : `content-length: ${body.length}\r\n`;
  const framed = isChunked ? chunks(random, body) : body;
  let bytes: Uint8Array = Buffer.concat([text(`${head}\r\n`), framed]);
  if (kind === 6) bytes = damage(random, bytes);
  if (kind === 7) {
    const end = random.below(bytes.length);
    const silent = random.chance(0.02);
    return {
      pieces: cut(random, bytes.subarray(0, end), 4),
      after: silent ? "hang" : random.pick(["close", "reset"]),
    };
  }
  const isBroken = kind <= 6;
  return {
    pieces: cut(random, bytes, random.pick([1, 3, 12])),
    after: isBroken ? "close" : "keep",
  };
}

function statusLine(random: Random, kind: number): string {
  const odd = [
    "100",
    "101",
    "103",
    "199",
    "204",
    "205",
    "206",
    "301",
    "302",
    "304",
    "307",
    "400",
    "401",
    "404",
    "408",
    "418",
    "429",
    "500",
    "503",
    "529",
    "599",
    "600",
    "999",
    "000",
    "20",
    "abc",
  ];
  if (kind !== 8) return "HTTP/1.1 200 OK\r\n";
  return `HTTP/${random.pick(["1.1", "1.0", "2"])} ${random.pick(odd)} ${random.pick(["OK", "", "x\ty"])}\r\n`;
}

function headerLines(
  random: Random,
  { isStream, odd }: { isStream: boolean; odd: boolean },
): string {
  const types = [
    "text/html",
    "",
    "application/octet-stream",
    "text/event-stream",
    "application/json, x",
    "\xff",
  ];
  const right = isStream ? "text/event-stream; charset=utf-8" : "application/json";
  let lines = `content-type: ${odd ? random.pick(types) : right}\r\n`;
  if (!odd) return lines;
  const values = [
    "",
    "x",
    "\x80\xff",
    "gzip",
    "close",
    "1e309",
    "-1",
    "http://evil.example/",
    "a\x00b",
    "a\rb",
    "x".repeat(3000),
  ];
  const names = [
    "location",
    "retry-after",
    "x-trace-id",
    "connection",
    "content-encoding",
    "set-cookie",
    "x-request-id",
    "transfer-encoding",
    "content-length",
    "bad name",
    "x-\xe9",
    "date",
    "trailer",
  ];
  for (let count = random.below(4); count > 0; count--) {
    lines += `${random.pick(names)}: ${random.pick(values)}\r\n`;
  }
  return lines;
}

function plainBody(isAnthropic: boolean): Uint8Array {
  return text(
    JSON.stringify(
      isAnthropic
        ? {
            id: "msg_1",
            type: "message",
            role: "assistant",
            model: "claude-haiku-4-5",
            content: [{ type: "text", text: replyCanary }],
            stop_reason: "end_turn",
            usage: { input_tokens: 3, output_tokens: 2 },
          }
        : {
            id: "chatcmpl-1",
            object: "chat.completion",
            model: "gpt-4o-mini",
            choices: [
              {
                index: 0,
                finish_reason: "stop",
                message: { role: "assistant", content: replyCanary },
              },
            ],
            usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
          },
    ),
  );
}

/** Events in order, or now and then out of it, with some that nobody knows. */
function streamBody(random: Random, isAnthropic: boolean): Uint8Array {
  const events = isAnthropic ? anthropicEvents : openaiEvents;
  const lineEnd = random.chance(0.8) ? "\n" : "\r\n";
  const order = random.chance(0.8) ? events : Array.from(events, () => random.pick(events));
  const odd = [
    "data: null",
    "data: [1]",
    ": comment",
    "event: x",
    "data: {",
    "id: \x00",
    "data:",
    "event: error\ndata: 7",
  ];
  let body = "";
  for (const event of order) {
    if (random.chance(0.05)) body += random.pick(odd).replaceAll("\n", lineEnd) + lineEnd + lineEnd;
    body += event.replaceAll("\n", lineEnd) + lineEnd + lineEnd;
  }
  return text(body);
}

const openaiEvents = [
  '{"id":"c1","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null}',
  `{"id":"c1","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"${replyCanary}"}}],"usage":null}`,
  '{"id":"c1","model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}',
  '{"id":"c1","model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}',
  "[DONE]",
].map((data) => `data: ${data}`);

const anthropicEvents = [
  '{"type":"message_start","message":{"id":"msg_1","model":"claude-haiku-4-5","usage":{"input_tokens":3}}}',
  '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
  `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${replyCanary}"}}`,
  '{"type":"content_block_stop","index":0}',
  '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}',
  '{"type":"message_stop"}',
].map((data) => `event: ${(JSON.parse(data) as { type: string }).type}\ndata: ${data}`);

function chunks(random: Random, body: Uint8Array): Uint8Array {
  const framed = cut(random, body, 6).flatMap((piece) => [
    text(`${piece.length.toString(16)}\r\n`),
    piece,
    text("\r\n"),
  ]);
  return Buffer.concat([...framed, text("0\r\n\r\n")]);
}
