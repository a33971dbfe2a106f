// Fuzz: requests, each made from a seed and its number: ordinary calls, and calls with one thing wrong with
// them or several. Pure. Every body holds the canary, which must come back from nowhere.

import { apiBody, routes } from "../support/api-calls.ts";
import { createRandom } from "../unit/apischema/random-json.ts";
import type { Random } from "../unit/apischema/random-json.ts";
import { cut, damage, randomBytes, text } from "./fuzz-bytes.ts";
import { chooseGuardrails } from "./fuzz-guardrails.ts";
import type { Exchange } from "./raw-exchange.ts";

export const promptCanary = "prompt-canary-5b1d";
/** Of the requests. */
const guardedShare = 0.3;

export interface FuzzRequest extends Exchange {
  readonly kind: FuzzKind;
  /** What must be said of it: served as the provider answers, refused with a 4xx, or either of the two. */
  readonly expects: "served" | "refused" | "either";
  /** The guardrails that it names. */
  readonly guardrails: readonly string[];
}

const kinds = [
  "ordinary",
  "damaged-body",
  "wrong-types",
  "nested",
  "repeated-key",
  "headers",
  "framing",
  "path",
  "method",
  "damaged-all",
  "noise",
  "leaves",
  "large",
] as const;
export type FuzzKind = (typeof kinds)[number];

interface Draft {
  method: string;
  target: string;
  version: string;
  guardrails: readonly string[];
  headers: [string, string][];
  body: Uint8Array;
}

/** Request `index` of a run. Larger than `bodyBytesMax` is what the gateway refuses as too large. */
export function fuzzRequest(seed: number, index: number, bodyBytesMax: number): FuzzRequest {
  const random = createRandom(Math.imul(seed, 0x9e3779b1) ^ index);
  const kind: FuzzKind = random.chance(0.25) ? "ordinary" : random.pick(kinds);
  if (kind === "large" && !random.chance(0.02))
    return fuzzAs("path", random, { index, bodyBytesMax });
  return fuzzAs(kind, random, { index, bodyBytesMax });
}

function fuzzAs(
  kind: FuzzKind,
  random: Random,
  { index, bodyBytesMax }: { readonly index: number; readonly bodyBytesMax: number },
): FuzzRequest {
  const draft = ordinaryDraft(random, index);
  const { guardrails } = draft;
  const plain = { kind, guardrails, isHead: false, leaves: false, spoils: false } as const;
  const whole = (expects: FuzzRequest["expects"]): FuzzRequest => ({
    ...plain,
    pieces: [written(draft)],
    isHead: draft.method === "HEAD",
    expects,
  });
  switch (kind) {
    case "ordinary":
      // A guardrail may refuse it, with or without a reason.
      return whole(guardrails.length === 0 ? "served" : "either");
    case "damaged-body":
      draft.body = damage(random, draft.body);
      setLength(draft);
      return whole("either");
    case "wrong-types":
      draft.body = text(wrongTypes(random));
      setLength(draft);
      return whole("either");
    case "nested": {
      const depth = 1100 + random.below(4000);
      const [open, shut] = random.pick([
        ["[", "]"],
        ['{"a":', "}"],
      ] as const);
      const filling = random.pick(["1", `"${promptCanary}"`, ""]);
      draft.body = text(
        `{"model":"m","max_tokens":1,"messages":[${open.repeat(depth)}${filling}${shut.repeat(depth)}]}`,
      );
      setLength(draft);
      return whole("refused");
    }
    case "repeated-key":
      draft.body = Buffer.from(
        Buffer.from(draft.body)
          .toString()
          .replace("{", random.pick(['{"model":"x",', '{"messages":[],', '{"m\\u006fdel":1,'])),
      );
      setLength(draft);
      return whole("refused");
    case "headers":
      wrongHeaders(random, draft);
      return { ...whole("either"), spoils: true };
    case "framing":
      return { ...plain, ...wrongFraming(random, draft), spoils: true, expects: "either" };
    case "path":
      draft.target = wrongPath(random);
      draft.method = random.pick(["GET", "POST", "DELETE", "HEAD"]);
      return whole("either");
    case "method":
      draft.method = random.pick([
        "GET",
        "HEAD",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "PROPFIND",
      ]);
      return { ...whole("either"), spoils: true };
    case "damaged-all":
      return {
        ...plain,
        pieces: closedBy(damage(random, written(draft))),
        spoils: true,
        expects: "either",
      };
    case "noise":
      return {
        ...plain,
        pieces: closedBy(randomBytes(random, 1 + random.below(400))),
        spoils: true,
        expects: "either",
      };
    case "leaves": {
      const bytes = written(draft);
      const pieces = cut(random, bytes.subarray(0, 1 + random.below(bytes.length)), 4);
      return { ...plain, pieces, leaves: true, spoils: true, expects: "either" };
    }
    case "large":
      draft.body = text(
        `{"model":"m","messages":["${promptCanary.repeat(Math.ceil(bodyBytesMax / 10))}"]}`,
      );
      if (random.chance(0.5)) setLength(draft);
      else chunked(random, draft);
      return { ...whole("refused"), spoils: true };
  }
}

/** What has no length of its own is ended by a request that is whole, so that an answer must come. */
function closedBy(bytes: Uint8Array): Uint8Array[] {
  return [bytes, text("\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".repeat(4))];
}

function ordinaryDraft(random: Random, index: number): Draft {
  const route = random.pick(routes);
  const body = Buffer.from(
    apiBody({
      route,
      stream: random.chance(0.4),
      metadata: random.pick(["absent", "user_id", "empty"]),
      prompt: `${promptCanary} ${index}`,
    }),
  );
  const guardrails = random.chance(guardedShare) ? chooseGuardrails(random) : [];
  const draft: Draft = {
    method: "POST",
    guardrails,
    target: route + (random.chance(0.1) ? "?beta=true" : ""),
    version: "HTTP/1.1",
    headers: [
      ["host", "127.0.0.1"],
      ["content-type", "application/json"],
      // Unknown headers go on to the provider, which so knows what it is to answer.
      ["x-fuzz", String(index)],
      ...guardrailHeader(guardrails),
    ],
    body,
  };
  setLength(draft);
  return draft;
}

function guardrailHeader(guardrails: readonly string[]): [string, string][] {
  return guardrails.length === 0 ? [] : [["x-everyspan-guardrails", guardrails.join(", ")]];
}

function written({ method, target, version, headers, body }: Draft): Uint8Array {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.concat([text(`${method} ${target} ${version}\r\n${lines}\r\n`), body]);
}

function setHeader(draft: Draft, name: string, value: string): void {
  draft.headers = [...draft.headers.filter(([known]) => known !== name), [name, value]];
}

function setLength(draft: Draft): void {
  setHeader(draft, "content-length", String(draft.body.length));
}

function chunked(random: Random, draft: Draft): void {
  draft.headers = draft.headers.filter(([name]) => name !== "content-length");
  draft.headers.push(["transfer-encoding", "chunked"]);
  const chunks = cut(random, draft.body, 5).flatMap((piece) => [
    text(`${piece.length.toString(16)}\r\n`),
    piece,
    text("\r\n"),
  ]);
  draft.body = Buffer.concat([...chunks, text("0\r\n\r\n")]);
}

const values = [
  "null",
  "true",
  "0",
  "-1",
  "1e999",
  '""',
  '"x"',
  "[]",
  "[null]",
  "{}",
  '{"type":"text"}',
  "[[]]",
  '[{"role":5}]',
  '"\\ud800"',
  "123456789012345678901234567890",
  `"${"m".repeat(600)}"`,
  '[{"role":"user","content":{"type":7}}]',
] as const;
const fields = [
  "model",
  "messages",
  "stream",
  "max_tokens",
  "temperature",
  "stop",
  "stop_sequences",
  "metadata",
  "user",
  "tools",
  "stream_options",
  "guardrails",
  "system",
  "n",
  "response_format",
  "reasoning_effort",
  "service_tier",
  "seed",
] as const;

function wrongTypes(random: Random): string {
  if (random.chance(0.1)) return random.pick(values);
  const members = new Map<string, string>([
    ["model", '"m"'],
    ["messages", `[{"role":"user","content":"${promptCanary}"}]`],
  ]);
  for (let count = 1 + random.below(4); count > 0; count--) {
    members.set(random.pick(fields), random.pick(values));
  }
  if (random.chance(0.2)) members.delete(random.pick(["model", "messages"]));
  return `{${[...members].map(([name, value]) => `"${name}":${value}`).join(",")}}`;
}

const headerValues = [
  "",
  " ",
  "x",
  "\x80\xff",
  "é",
  "a, b",
  '"',
  "a\tb",
  "0",
  "-1",
  "null",
  "http://evil.example",
  "x".repeat(5000),
  "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  "00-0-0-0",
  "identity",
  "gzip",
  "chunked",
  "close",
  "keep-alive, x-fuzz, host",
  "multipart/form-data; boundary=x",
  "application/json; charset=utf-16",
  "text/plain",
  "Bearer x",
  "cross-site",
  "session.id=%zz,%00=1;;;",
  "a\x00b",
  "a\x0bb",
] as const;
const headerNames = [
  "host",
  "content-type",
  "content-encoding",
  "authorization",
  "x-api-key",
  "traceparent",
  "tracestate",
  "baggage",
  "origin",
  "sec-fetch-site",
  "connection",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "accept",
  "accept-encoding",
  "x-session-id",
  "user-agent",
  "anthropic-version",
  "anthropic-beta",
  "x-everyspan-guardrails",
  "cookie",
  "x-trace-id",
  "content-length",
  "transfer-encoding",
  "forwarded",
  "x-\xe9",
  "bad name",
  "",
  ":",
  "x-fuzz",
] as const;

function wrongHeaders(random: Random, draft: Draft): void {
  if (random.chance(0.03)) {
    for (let count = 50 + random.below(400); count > 0; count--)
      draft.headers.push([`x-${count}`, "v"]);
  }
  for (let count = 1 + random.below(4); count > 0; count--) {
    const name = random.pick(headerNames);
    const value = random.pick(headerValues);
    if (random.chance(0.5)) setHeader(draft, name, value);
    else draft.headers.push([name, value]);
  }
}

/** Lengths that disagree, encodings that are none, lines that fold, bodies that stop. */
function wrongFraming(random: Random, draft: Draft): Pick<FuzzRequest, "pieces" | "leaves"> {
  const { length } = draft.body;
  switch (random.below(8)) {
    case 0:
      draft.headers.push(["content-length", String(length + random.pick([-1, 0, 1, 10]))]);
      break;
    case 1:
      draft.headers.push([
        "transfer-encoding",
        random.pick(["chunked", "identity", "gzip, chunked", "xchunked", ""]),
      ]);
      break;
    case 2:
      setHeader(
        draft,
        "content-length",
        random.pick(["-1", "+5", "0x10", "1e3", "99999999999999999999", "5, 5", ""]),
      );
      break;
    case 3:
      draft.headers.push(["x-folded", "a\r\n b"], ["x-lf", "a\nx-b: c"]);
      break;
    case 4:
      chunked(random, draft);
      draft.body = damage(random, draft.body);
      break;
    case 5:
      chunked(random, draft);
      return { pieces: cut(random, written(draft), 6), leaves: false };
    case 6: {
      // Pipelined: a second request before the first is answered.
      const one = written(draft);
      return { pieces: [Buffer.concat([one, one])], leaves: false };
    }
    default:
      draft.version = random.pick(["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "http/1.1", ""]);
  }
  return { pieces: closedBy(written(draft)), leaves: false };
}

const pathPieces = [
  "/v1",
  "/chat",
  "/completions",
  "/messages",
  "/models",
  "/count_tokens",
  "/..",
  "/.",
  "//",
  "/%2e%2e",
  "/%2f",
  "%00",
  "\\",
  "/embeddings",
  "/files",
  "?a=b",
  "#x",
  ";v=1",
  "/@evil.example",
  "%",
  "%zz",
  "/%252e%252e",
  "/\xe9",
  "/metrics",
  "/healthz",
  "/readyz",
  "http://evil.example/v1/models",
  "?",
  "&",
  "/a b",
  "/%c3%28",
] as const;

function wrongPath(random: Random): string {
  let path = random.chance(0.9) ? "/v1" : "";
  for (let count = 1 + random.below(5); count > 0; count--) path += random.pick(pathPieces);
  return path.replaceAll(" ", "%20");
}
