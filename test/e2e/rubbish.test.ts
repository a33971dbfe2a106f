// Rubbish in: a clear 4xx in the API's own shape, soon, with nothing of what was sent in it, and a gateway
// that goes on as if nothing had been. Bare sockets, because no proper client can send most of this.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createLine } from "../fuzz/raw-exchange.ts";
import type { Outcome } from "../fuzz/raw-exchange.ts";
import { apiBody, readApiReply, routes } from "../support/api-calls.ts";
import type { ApiRoute } from "../support/api-calls.ts";
import { assertWholeTrace } from "../support/trace-assertions.ts";
import { startTracedGateway } from "../support/traced-gateway.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

const canary = "canary-of-the-prompt";
const maxBodyBytes = 64 * 1024;
/** A clear answer comes within a second; the margin is for a machine with other work. */
const soonMs = 1000;

let traced: TracedGateway;
beforeAll(async () => {
  traced = await startTracedGateway({
    config: () => ({ server: { max_body: `${maxBodyBytes}B` } }),
  });
});
afterAll(async () => {
  expect(traced?.gateway.stderr()).not.toContain("a bug in");
  await traced?.stop();
});

// A closed connection may leave a call on its way: the next test counts calls at the provider.
afterEach(() =>
  waitFor(async () => (await metrics()).includes("everyspan_calls_in_flight 0"), 5000, "quiet"),
);

type Reply = Extract<Outcome, { kind: "reply" }>;

/** Sends bytes on a connection of its own; `pieces` go in writes of their own. */
async function send(...pieces: readonly (string | Uint8Array)[]): Promise<Outcome> {
  const line = createLine(Number(new URL(traced.gateway.url).port));
  const outcome = await line.exchange({
    pieces: pieces.map((piece) => Buffer.from(piece as string)),
    isHead: String(pieces[0]).startsWith("HEAD "),
    leaves: false,
    spoils: true,
  });
  line.close();
  return outcome;
}

function head(route: string, ...lines: readonly string[]): string {
  return [`POST ${route} HTTP/1.1`, "host: localhost", ...lines, "", ""].join("\r\n");
}

const json = "content-type: application/json";

function post(route: string, body: string | Uint8Array, ...lines: readonly string[]): Uint8Array {
  const bytes = Buffer.from(body as string);
  const types = lines.some((line) => line.startsWith("content-type")) ? [] : [json];
  return Buffer.concat([
    Buffer.from(head(route, ...types, ...lines, `content-length: ${bytes.length}`)),
    bytes,
  ]);
}

/** The answer, which must be a 4xx of everyspan's in the route's own shape, and soon. */
async function refused(
  route: ApiRoute,
  status: number,
  ...pieces: readonly (string | Uint8Array)[]
): Promise<Reply & { message: string }> {
  const before = traced.provider.callCount();
  const startMs = performance.now();
  const outcome = await send(...pieces);
  expect(performance.now() - startMs).toBeLessThan(soonMs);
  if (outcome.kind !== "reply") throw new Error(`no answer: ${outcome.kind}`);
  expect({ status: outcome.status, body: outcome.body }).toEqual({ status, body: outcome.body });
  expect(outcome.complete).toBe(true);
  expect(outcome.body).not.toContain(canary);
  expect(outcome.headers["content-type"]).toBe("application/json");
  expect(outcome.headers["x-trace-id"]).toMatch(/^[0-9a-f]{32}$/);
  expect(traced.provider.callCount()).toBe(before);
  const said = JSON.parse(outcome.body) as {
    type?: string;
    error: { type: string; message: string; code?: string };
  };
  expect(said.error.type).toBeString();
  expect(said.error.message).toBeString();
  if (route === "/v1/messages") expect(said.type).toBe("error");
  else expect(said.error.code).toBeString();
  return { ...outcome, message: said.error.message };
}

const ordinary = (route: ApiRoute): string => apiBody({ route, prompt: canary });

describe.each([...routes])("%s refuses", (route) => {
  const valid = ordinary(route);
  const bodies: [string, number, string | Uint8Array, RegExp][] = [
    ["an empty body", 400, "", /empty/],
    ["what is no JSON", 400, `{"model": ${canary}`, /not valid JSON/],
    ["a cut body", 400, valid.slice(0, -3), /not valid JSON/],
    ["two documents", 400, valid + valid, /not valid JSON/],
    ["a byte order mark", 400, `\ufeff${valid}`, /not valid JSON/],
    ["an array", 400, `[${valid}]`, /object/],
    ["a string", 400, JSON.stringify(canary), /object/],
    ["null", 400, "null", /object/],
    ["a missing model", 400, `{"messages":["${canary}"]}`, /`model` is required/],
    ["a model that is no string", 400, `{"model":["${canary}"],"messages":[]}`, /`model`/],
    ["a model of a thousand letters", 400, `{"model":"${"m".repeat(1000)}","messages":[]}`, /512/],
    ["messages that are no list", 400, `{"model":"m","messages":"${canary}"}`, /`messages`/],
    ["a stream that is no boolean", 400, valid.replace("{", `{"stream":"${canary}",`), /`stream`/],
    ["a key that is there twice", 400, valid.replace("{", '{"model":"other",'), /same key twice/],
    ["a key twice, once escaped", 400, valid.replace("{", '{"m\\u006fdel":"x",'), /twice/],
    [
      "a key twice deep inside",
      400,
      valid.replace("{", `{"x":[{"a":{"text":"${canary}","text":"b"}}],`),
      /twice/,
    ],
    [
      "nesting without end",
      400,
      `{"model":"m","messages":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
      /nested/,
    ],
    [
      "nesting without end, in objects",
      400,
      `{"model":"m","messages":[${'{"a":'.repeat(5000)}1${"}".repeat(5000)}]}`,
      /nested/,
    ],
    ["bytes that are no UTF-8", 400, Buffer.from(`${valid}\xff\xfe`, "latin1"), /UTF-8/],
    [
      "a surrogate in UTF-8",
      400,
      Buffer.concat([Buffer.from('"'), Buffer.from([0xed, 0xa0, 0x80, 0x22])]),
      /UTF-8/,
    ],
    ["a body beyond the limit", 413, `"${canary}${"x".repeat(maxBodyBytes)}"`, /larger/],
  ];
  test.each(bodies)("%s", async (_name, status, body, message) => {
    expect((await refused(route, status, post(route, body))).message).toMatch(message);
  });

  test("a body beyond the limit that announces no size", async () => {
    const chunk = `${(1024).toString(16)}\r\n${"x".repeat(1024)}\r\n`;
    const chunks = chunk.repeat(maxBodyBytes / 1024 + 2);
    const start = head(route, json, "transfer-encoding: chunked");
    const reply = await refused(route, 413, start, `${chunks}0\r\n\r\n`);
    expect(reply.headers["connection"]).toBe("close");
  });

  const types: [string, RegExp][] = [
    ["content-type: text/plain", /application\/json/],
    ["content-type: application/x-www-form-urlencoded", /application\/json/],
    ["content-type: multipart/form-data; boundary=x", /application\/json/],
    ["content-type: ", /application\/json/],
    ["content-type: application/json; charset=utf-16", /UTF-8/],
    ["content-type: application/json; charset=iso-8859-1", /UTF-8/],
  ];
  test.each(types)("%s", async (type, message) => {
    expect((await refused(route, 415, post(route, valid, type))).message).toMatch(message);
  });

  test("a compressed body", async () => {
    const compressed = Bun.gzipSync(Buffer.from(valid));
    const reply = await refused(route, 415, post(route, compressed, "content-encoding: gzip"));
    expect(reply.message).toMatch(/compressed/);
  });

  test.each(["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])("%s", async (method) => {
    const reply = await refused(route, 405, `${method} ${route} HTTP/1.1\r\nhost: x\r\n\r\n`);
    expect(reply.headers["allow"]).toBe("POST");
  });

  test("a host that is none", async () => {
    const named = Buffer.from(post(route, valid)).toString().replace("localhost", "a b/c@d");
    // Without an address Bun gives no path, so the shape is that of whoever speaks no Anthropic.
    const line = "anthropic-version: 2023-06-01\r\ncontent-length";
    const sent = route === "/v1/messages" ? named.replace("content-length", line) : named;
    expect((await refused(route, 400, sent)).message).toMatch(/Host/);
  });
});

test("what is taken: charset utf-8, the encoding that is none, and types of JSON's family", async () => {
  for (const type of [
    "application/json; charset=utf-8",
    'Application/JSON; Charset="UTF-8"',
    "application/vnd.api+json",
  ]) {
    const route = "/v1/chat/completions";
    const reply = await send(
      post(route, ordinary(route), `content-type: ${type}`, "content-encoding: identity"),
    );
    expect(reply).toMatchObject({ kind: "reply", status: 200 });
  }
});

describe("paths", () => {
  // What a provider might decode or normalise into another path, an own route above all.
  const tricks = [
    "/v1/../admin",
    "/v1/%2e%2e/admin",
    "/v1/x/%2e%2e%2f%2e%2e/admin",
    "/v1/%252e%252e/admin",
    "/v1/..%2fadmin",
    "/v1/..%5cadmin",
    "/v1/..;/admin",
    "/v1//chat/completions",
    "/v1/chat//completions",
    "/v1/chat%2fcompletions",
    "/v1/%63hat/completions",
    "/v1/Chat/Completions",
    "/v1/chat/completions/",
    "/v1/chat/completions;a=b",
    "/v1/messages%2f",
    "/v1/%76%31/messages",
    "/v1/files%00",
    "/v1/files%0d%0ax-evil:1",
    "/v1/%zz",
    "/v1/%ff",
    "/v1/",
    "/v1",
    "/",
    "//evil.example/v1/models",
    "/v2/models",
    "/V1/models",
  ];
  test.each(tricks)("%s is nothing here, and reaches no provider", async (path) => {
    const lines = ["host: localhost", json, "content-length: 2"];
    await refused(
      "/v1/chat/completions",
      404,
      `POST ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n{}`,
    );
  });

  test.each([
    ["/v1/embeddings?a=b%20c&beta=true", "/v1/embeddings?a=b%20c&beta=true"],
    ["/v1/models/org%2Fname", "/v1/models/org%2Fname"],
    ["/v1/files/file-1/content", "/v1/files/file-1/content"],
    ["/v1/chat/completions/chatcmpl-1", "/v1/chat/completions/chatcmpl-1"],
    ["http://evil.example/v1/embeddings", "/v1/embeddings"],
    ["/v1/@evil.example/x", "/v1/@evil.example/x"],
  ])("%s goes to the configured provider as %s", async (path, arrives) => {
    await send(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    const last = traced.provider.requests.at(-1);
    expect(last?.path).toBe(arrives);
    expect(last?.headers["host"]).toBe(`127.0.0.1:${traced.provider.port}`);
  });

  test("a generating route keeps its query string: `?beta=true` is for the provider", async () => {
    const reply = await send(post("/v1/messages?beta=true", ordinary("/v1/messages")));
    expect(reply).toMatchObject({ kind: "reply", status: 200 });
    expect(traced.provider.requests.at(-1)?.path).toBe("/v1/messages?beta=true");
  });

  test.each(["TRACE", "OPTIONS"])("%s is never forwarded", async (method) => {
    const reply = await refused(
      "/v1/chat/completions",
      405,
      `${method} /v1/embeddings HTTP/1.1\r\nhost: localhost\r\n\r\n`,
    );
    expect(reply.headers["allow"]).toBe("GET, HEAD, POST, PUT, PATCH, DELETE");
  });

  test("HEAD is answered like GET, without a body", async () => {
    for (const path of ["/healthz", "/readyz", "/metrics", "/v1/models"]) {
      expect(await send(`HEAD ${path} HTTP/1.1\r\nhost: x\r\n\r\n`)).toMatchObject({
        kind: "reply",
        status: 200,
        surplus: 0,
      });
    }
  });

  test.each(["/healthz", "/readyz", "/metrics"])("POST %s is a 405", async (path) => {
    const line = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`;
    expect((await refused("/v1/chat/completions", 405, line)).headers["allow"]).toBe("GET, HEAD");
  });
});

// Bun refuses these before any code of ours sees them: without a body, and with the connection closed.
describe("framing that has two readings", () => {
  const route = "/v1/chat/completions";
  const valid = ordinary(route);
  const length = `content-length: ${valid.length}`;
  const chunked = `${valid.length.toString(16)}\r\n${valid}\r\n0\r\n\r\n`;
  const smuggled = "GET /v1/smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n";
  const cases: [string, string][] = [
    ["two lengths that differ", head(route, json, length, "content-length: 3") + valid],
    ["a list of lengths", head(route, json, `${length}, ${valid.length}`) + valid],
    ["a length and chunks", head(route, json, length, "transfer-encoding: chunked") + chunked],
    [
      "chunks and a shorter length",
      head(route, json, "transfer-encoding: chunked", "content-length: 4") + chunked + smuggled,
    ],
    ["two encodings", head(route, json, "transfer-encoding: gzip, chunked") + chunked],
    ["an encoding that is none", head(route, json, "transfer-encoding: xchunked") + chunked],
    ["a space before the colon", head(route, json, length, "transfer-encoding : chunked") + valid],
    ["a folded line", head(route, json, length, "x-a: 1\r\n x-b: 2") + valid],
    ["a bare carriage return", head(route, json, length, "x-a: 1\rx-b: 2") + valid],
    ["a NUL", head(route, json, length, "x-a: \0") + valid],
    ["a negative length", head(route, json, "content-length: -5") + valid],
    ["a length with a sign", head(route, json, `content-length: +${valid.length}`) + valid],
    [
      "a chunk larger than memory",
      `${head(route, json, "transfer-encoding: chunked")}ffffffffffffffff\r\n`,
    ],
    [
      "a flood of headers",
      head(route, json, ...Array.from({ length: 2000 }, (_, at) => `x-${at}: v`)),
    ],
    ["a header of a megabyte", head(route, json, `x-long: ${"v".repeat(2 ** 20)}`)],
    ["no host", `POST ${route} HTTP/1.1\r\n${json}\r\n${length}\r\n\r\n${valid}`],
    ["another protocol", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n"],
  ];
  test.each(cases)("%s: refused, nothing smuggled", async (_name, bytes) => {
    const before = traced.provider.callCount();
    const startMs = performance.now();
    const outcome = await send(bytes);
    expect(performance.now() - startMs).toBeLessThan(soonMs);
    if (outcome.kind === "reply") expect(outcome.status).toBeOneOf([400, 431, 505]);
    else expect(outcome.kind).toBe("closed");
    expect(traced.provider.callCount()).toBe(before);
  });

  test("pipelined requests are not answered out of turn: the connection is closed instead", async () => {
    const one = Buffer.from(post(route, valid));
    const outcome = await send(Buffer.concat([one, one, one]));
    expect(outcome.kind === "closed" || (outcome.kind === "reply" && outcome.status === 200)).toBe(
      true,
    );
  });
});

test("clients that stop in mid-request hold nobody up and leave nothing behind", async () => {
  const port = Number(new URL(traced.gateway.url).port);
  const whole = Buffer.from(post("/v1/messages", ordinary("/v1/messages")));
  const half = { isHead: false, spoils: true, leaves: false } as const;
  const held = await Promise.all(
    Array.from({ length: 100 }, async (_, at) => {
      const line = createLine(port);
      // Nothing is awaited of these: they sit there with half a head or half a body.
      void line.exchange({ ...half, pieces: [whole.subarray(0, 20 + at * 2)] });
      return line;
    }),
  );
  const startMs = performance.now();
  expect(await send(whole)).toMatchObject({ kind: "reply", status: 200 });
  expect(performance.now() - startMs).toBeLessThan(soonMs);
  for (const line of held) line.close();
  await waitFor(async () => (await metrics()).includes("everyspan_calls_in_flight 0"), 5000);
});

test("after all of it an ordinary call is served and traced as ever, and the account adds up", async () => {
  for (const route of routes) {
    const reply = await send(post(route, ordinary(route)));
    if (reply.kind !== "reply") throw new Error(reply.kind);
    expect(readApiReply(route, reply.body).id).toBeString();
    const spans = await traced.trace(reply.headers["x-trace-id"] ?? "");
    assertWholeTrace(spans, { route, chat: true, attempts: 1 });
  }
  await waitFor(async () => {
    const text = await metrics();
    const value = (name: string): number =>
      Number(new RegExp(`^everyspan_spans_${name} (.*)$`, "m").exec(text)?.[1]);
    expect(value("lost_total")).toBe(0);
    return value("open") === 0 && value("committed_total") === value("recorded_total");
  }, 5000);
});

async function metrics(): Promise<string> {
  return (await fetch(`${traced.gateway.url}/metrics`)).text();
}
