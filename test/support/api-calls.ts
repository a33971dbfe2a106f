// Tests: requests and replies of both APIs, so that one table can run on both routes.

import type { Script } from "../../src/demo/provider-script.ts";

export const routes = ["/v1/chat/completions", "/v1/messages"] as const;
export type ApiRoute = (typeof routes)[number];

/** `absent` leaves the field out. */
export type MetadataCase = "absent" | "user_id" | "empty";

export interface ApiCall {
  readonly route: ApiRoute;
  readonly stream?: boolean;
  readonly metadata?: MetadataCase;
  readonly script?: Script;
  readonly model?: string;
  readonly prompt?: string;
  /** Further body fields. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** What a reply says of itself, plain or stream. */
export interface ApiReply {
  readonly id: string | undefined;
  readonly text: string;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
  /** The stream came to its API's own end. */
  readonly ended: boolean;
  /** The type of an error body or error event. */
  readonly errorType: string | undefined;
}

export const defaultModels: Readonly<Record<ApiRoute, string>> = {
  "/v1/chat/completions": "gpt-4o-mini",
  "/v1/messages": "claude-haiku-4-5",
};

/** A request body; field order is fixed, so that equal calls are equal texts. */
export function apiBody(call: ApiCall): string {
  const { route, stream = false, metadata = "absent" } = call;
  return JSON.stringify({
    model: call.model ?? defaultModels[route],
    ...(route === "/v1/messages" ? { max_tokens: 64 } : {}),
    messages: [{ role: "user", content: call.prompt ?? "hello" }],
    ...(stream ? { stream: true } : {}),
    ...(stream && route === "/v1/chat/completions"
      ? { stream_options: { include_usage: true } }
      : {}),
    ...(metadata === "user_id" ? { metadata: { user_id: "user-42" } } : {}),
    ...(metadata === "empty" ? { metadata: {} } : {}),
    ...(call.script === undefined ? {} : { x_script: call.script }),
    ...call.fields,
  });
}

type Json = Readonly<Record<string, unknown>>;

/** Reads a body of either API, an event stream or not, as far as it goes. */
export function readApiReply(route: ApiRoute, body: string): ApiReply {
  const isStream = /^(?:event|data|:)/.test(body);
  const documents = isStream ? dataOf(body) : [parse(body)];
  return route === "/v1/messages"
    ? readAnthropic(documents, isStream)
    : readOpenAI(documents, body);
}

function readOpenAI(documents: readonly Json[], body: string): ApiReply {
  let text = "";
  let usage: Json = {};
  for (const document of documents) {
    const choice = at(document["choices"], 0);
    const content = object(choice["delta"] ?? choice["message"])["content"];
    if (typeof content === "string") text += content;
    if (document["usage"] !== null && document["usage"] !== undefined) {
      usage = object(document["usage"]);
    }
  }
  return {
    id: documents.map((document) => document["id"]).find((id) => typeof id === "string"),
    text,
    inputTokens: count(usage["prompt_tokens"]),
    outputTokens: count(usage["completion_tokens"]),
    ended: /data: \[DONE\]\s*$/.test(body),
    errorType: errorTypeOf(documents),
  };
}

function readAnthropic(documents: readonly Json[], isStream: boolean): ApiReply {
  let text = "";
  let usage: Json = {};
  let id: string | undefined;
  for (const document of documents) {
    const message = isStream ? object(document["message"]) : document;
    if (typeof message["id"] === "string") id = message["id"];
    usage = { ...usage, ...object(message["usage"]), ...object(document["usage"]) };
    const delta = object(document["delta"])["text"] ?? at(message["content"], 0)["text"];
    if (typeof delta === "string") text += delta;
  }
  const input = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
  const counts = input.map((name) => count(usage[name]));
  return {
    id,
    text,
    inputTokens: counts.some((value) => value === undefined)
      ? undefined
      : counts.reduce<number>((sum, value) => sum + (value ?? 0), 0),
    outputTokens: count(usage["output_tokens"]),
    ended: documents.some((document) => document["type"] === "message_stop"),
    errorType: errorTypeOf(documents),
  };
}

/** The JSON documents of an event stream's data lines; `[DONE]` and what is no JSON are left out. */
function dataOf(body: string): Json[] {
  return body
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data: {"))
    .map((line) => parse(line.slice(6)));
}

function errorTypeOf(documents: readonly Json[]): string | undefined {
  const failed = documents.find((document) => document["error"] !== undefined);
  const type = object(failed?.["error"])["type"];
  return typeof type === "string" ? type : undefined;
}

function parse(text: string): Json {
  try {
    return object(JSON.parse(text));
  } catch {
    // A cut document says nothing.
    return {};
  }
}

function object(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function at(list: unknown, index: number): Json {
  return Array.isArray(list) ? object(list[index]) : {};
}

function count(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
