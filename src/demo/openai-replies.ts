// Demo, tests and bench: replies in OpenAI's wire format, as bytes a real server would send. Pure.
// Built by concatenation where the bench comes by: a plain reply or a stream part costs no JSON encoding.

import type { ReplyContent } from "./reply-content.ts";
import type { Script } from "./provider-script.ts";
import { responseId, type CallUsage } from "./provider-usage.ts";

type Json = Readonly<Record<string, unknown>>;

const created = 1_760_000_000;

/** `chat.completion` as JSON text. */
export function openaiCompletion(content: ReplyContent, script: Script): string {
  const toolCalls = content.toolUses.map(toToolCall);
  const message =
    toolCalls.length === 0
      ? `{"role":"assistant","content":${JSON.stringify(content.text)},"refusal":null,"annotations":[]}`
      : `{"role":"assistant","content":null,"refusal":null,"tool_calls":${JSON.stringify(toolCalls)}}`;
  const usage = script.omitUsage === true ? "" : `"usage":${openaiUsage(content.usage)},`;
  return (
    `{"id":"${responseId("chatcmpl", content.call)}","object":"chat.completion","created":${created},` +
    `"model":${JSON.stringify(content.model)},"choices":[{"index":0,"message":${message},"logprobs":null,` +
    `"finish_reason":"${finishReason(content)}"}],${usage}"service_tier":"default",` +
    `"system_fingerprint":"fp_scripted"}`
  );
}

/** The events of a chat stream, each with its blank line; `[DONE]` last. */
export function openaiStream(content: ReplyContent, json: Json, script: Script): string[] {
  const options = json["stream_options"] as { include_usage?: unknown } | undefined;
  const withUsage = options?.include_usage === true && script.omitUsage !== true;
  const start =
    `data: {"id":"${responseId("chatcmpl", content.call)}","object":"chat.completion.chunk",` +
    `"created":${created},"model":${JSON.stringify(content.model)},"service_tier":"default",` +
    `"system_fingerprint":"fp_scripted",`;
  const end = withUsage ? `"usage":null}\n\n` : `"obfuscation":"x"}\n\n`;
  const event = (delta: string, finish: string): string =>
    `${start}"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish}}],${end}`;
  const events = [event(`{"role":"assistant","content":"","refusal":null}`, "null")];
  if (content.toolUses.length === 0) {
    for (const part of content.parts)
      events.push(event(`{"content":${JSON.stringify(part)}}`, "null"));
  } else {
    for (const delta of toolDeltas(content)) events.push(event(delta, "null"));
  }
  events.push(event("{}", `"${finishReason(content)}"`));
  if (withUsage) events.push(`${start}"choices":[],"usage":${openaiUsage(content.usage)}}\n\n`);
  events.push("data: [DONE]\n\n");
  return events;
}

/** An error body; `type` and `code` as OpenAI gives them for the status. */
export function openaiError(status: number): string {
  const code = status === 401 ? "invalid_api_key" : status === 404 ? "model_not_found" : "scripted";
  const type = status >= 500 ? "server_error" : "invalid_request_error";
  return JSON.stringify({
    error: {
      message: `scripted ${status}`,
      type: status === 429 ? "rate_limit_error" : type,
      param: null,
      code: status === 429 ? "rate_limit_exceeded" : code,
    },
  });
}

/** An error in the middle of a stream. */
export function openaiErrorEvent(): string {
  return `data: {"error":{"message":"scripted error in the stream","type":"server_error","param":null,"code":null}}\n\n`;
}

/** `GET /v1/models`. */
export function openaiModels(models: readonly string[]): string {
  const data = models.map((id) => ({ id, object: "model", created, owned_by: "scripted" }));
  return JSON.stringify({ object: "list", data });
}

/** `POST /v1/embeddings`: one small vector per input. */
export function openaiEmbeddings(content: ReplyContent, json: Json): string {
  const inputs = Array.isArray(json["input"]) ? json["input"].length : 1;
  const data = Array.from({ length: inputs }, (_, index) => ({
    object: "embedding",
    index,
    embedding: [0.25, -0.5, 0.125],
  }));
  const tokens = content.usage.inputTokens;
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return JSON.stringify({ object: "list", data, model: content.model, usage });
}

/** OpenAI's `usage` object as JSON text. */
export function openaiUsage(usage: CallUsage): string {
  return (
    `{"prompt_tokens":${usage.inputTokens},"completion_tokens":${usage.outputTokens},` +
    `"total_tokens":${usage.inputTokens + usage.outputTokens},` +
    `"prompt_tokens_details":{"cached_tokens":${usage.cachedTokens},` +
    `"cache_write_tokens":${usage.cacheWriteTokens},"audio_tokens":0},` +
    `"completion_tokens_details":{"reasoning_tokens":${usage.reasoningTokens},"audio_tokens":0,` +
    `"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`
  );
}

function finishReason(content: ReplyContent): string {
  return content.toolUses.length === 0 ? "stop" : "tool_calls";
}

function toToolCall(use: ReplyContent["toolUses"][number]): object {
  return { id: use.id, type: "function", function: { name: use.name, arguments: use.input } };
}

/** Tool calls as deltas; the argument parts of two calls are interleaved, as parallel calls may be. */
function toolDeltas(content: ReplyContent): string[] {
  const heads = content.toolUses.map((use, index) =>
    JSON.stringify({
      tool_calls: [
        { index, id: use.id, type: "function", function: { name: use.name, arguments: "" } },
      ],
    }),
  );
  const halves = [0, 1].flatMap((half) =>
    content.toolUses.map((use, index) => {
      const middle = Math.floor(use.input.length / 2);
      const part = half === 0 ? use.input.slice(0, middle) : use.input.slice(middle);
      return JSON.stringify({ tool_calls: [{ index, function: { arguments: part } }] });
    }),
  );
  return [...heads, ...halves];
}
