// Demo, tests and bench: replies in Anthropic's wire format (messages of 2026-10-21), as bytes. Pure.
// Streams carry both the `event:` line and the type inside the data, as clients dispatch on either.

import type { ReplyContent, ToolUse } from "./reply-content.ts";
import type { Script } from "./provider-script.ts";
import { responseId, type CallUsage } from "./provider-usage.ts";

/** A `message` as JSON text. */
export function anthropicMessage(content: ReplyContent, script: Script): string {
  const text = content.text === "" ? "" : `{"type":"text","text":${JSON.stringify(content.text)}}`;
  const blocks = content.toolUses.length === 0 ? text : content.toolUses.map(toolBlock).join(",");
  const usage = script.omitUsage === true ? "null" : anthropicUsage(content.usage);
  return (
    `{"id":"${responseId("msg", content.call)}","type":"message","role":"assistant",` +
    `"model":${JSON.stringify(content.model)},"content":[${blocks}],` +
    `"stop_reason":"${stopReason(content)}","stop_sequence":null,"stop_details":null,` +
    `"container":null,"usage":${usage}}`
  );
}

/** The events of a message stream, each with its blank line; `message_stop` last. */
export function anthropicStream(content: ReplyContent, script: Script): string[] {
  const { usage } = content;
  const startUsage =
    script.omitUsage === true ? "null" : anthropicUsage({ ...usage, outputTokens: 1 });
  const events = [
    event(
      "message_start",
      `"message":{"id":"${responseId("msg", content.call)}","type":"message","role":"assistant",` +
        `"model":${JSON.stringify(content.model)},"content":[],"stop_reason":null,` +
        `"stop_sequence":null,"usage":${startUsage}}`,
    ),
  ];
  if (content.toolUses.length === 0) events.push(...textBlock(content.parts));
  else content.toolUses.forEach((use, index) => events.push(...toolEvents(use, index)));
  events.splice(2, 0, event("ping", ""));
  const endUsage =
    script.omitUsage === true
      ? "null"
      : `{"input_tokens":${fresh(usage)},"cache_creation_input_tokens":${usage.cacheWriteTokens},` +
        `"cache_read_input_tokens":${usage.cachedTokens},"output_tokens":${usage.outputTokens},` +
        `"output_tokens_details":{"thinking_tokens":${usage.reasoningTokens}},"server_tool_use":null}`;
  events.push(
    event(
      "message_delta",
      `"delta":{"stop_reason":"${stopReason(content)}","stop_sequence":null},"usage":${endUsage}`,
    ),
  );
  events.push(event("message_stop", ""));
  return events;
}

/** An error body with the type Anthropic gives for the status. */
export function anthropicError(status: number, call: number): string {
  const type = errorTypes[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
  return JSON.stringify({
    type: "error",
    error: { type, message: `scripted ${status}` },
    request_id: `req_${call}`,
  });
}

/** An error in the middle of a stream. */
export function anthropicErrorEvent(): string {
  return event(
    "error",
    `"error":{"type":"overloaded_error","message":"scripted error in the stream"}`,
  );
}

/** `GET /v1/models` as asked with `anthropic-version`. */
export function anthropicModels(models: readonly string[]): string {
  const data = models.map((id) => ({
    type: "model",
    id,
    display_name: id,
    created_at: "2025-10-09T00:00:00Z",
    lifecycle: "active",
    deprecated_at: null,
    retires_at: null,
  }));
  return JSON.stringify({
    data,
    has_more: false,
    first_id: models[0] ?? null,
    last_id: models.at(-1) ?? null,
  });
}

/** `POST /v1/messages/count_tokens`. */
export function anthropicCount(content: ReplyContent): string {
  return `{"input_tokens":${content.usage.inputTokens}}`;
}

const errorTypes: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

function anthropicUsage(usage: CallUsage): string {
  return (
    `{"input_tokens":${fresh(usage)},"cache_creation_input_tokens":${usage.cacheWriteTokens},` +
    `"cache_read_input_tokens":${usage.cachedTokens},` +
    `"cache_creation":{"ephemeral_5m_input_tokens":${usage.cacheWriteTokens},"ephemeral_1h_input_tokens":0},` +
    `"output_tokens":${usage.outputTokens},` +
    `"output_tokens_details":{"thinking_tokens":${usage.reasoningTokens}},` +
    `"server_tool_use":null,"service_tier":"standard","speed":"standard","inference_geo":null}`
  );
}

/** Anthropic's `input_tokens` leaves out what was read from or written to the cache. */
function fresh(usage: CallUsage): number {
  return usage.inputTokens - usage.cachedTokens - usage.cacheWriteTokens;
}

function event(type: string, fields: string): string {
  const rest = fields === "" ? "" : `,${fields}`;
  return `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`;
}

function textBlock(parts: readonly string[]): string[] {
  return [
    event("content_block_start", `"index":0,"content_block":{"type":"text","text":""}`),
    ...parts.map((part) =>
      event(
        "content_block_delta",
        `"index":0,"delta":{"type":"text_delta","text":${JSON.stringify(part)}}`,
      ),
    ),
    event("content_block_stop", `"index":0`),
  ];
}

function toolEvents(use: ToolUse, index: number): string[] {
  const middle = Math.floor(use.input.length / 2);
  const delta = (part: string): string =>
    event(
      "content_block_delta",
      `"index":${index},"delta":{"type":"input_json_delta","partial_json":${JSON.stringify(part)}}`,
    );
  const block = JSON.stringify({ type: "tool_use", id: use.id, name: use.name, input: {} });
  return [
    event("content_block_start", `"index":${index},"content_block":${block}`),
    delta(use.input.slice(0, middle)),
    delta(use.input.slice(middle)),
    event("content_block_stop", `"index":${index}`),
  ];
}

function toolBlock(use: ToolUse): string {
  const name = JSON.stringify(use.name);
  return `{"type":"tool_use","id":"${use.id}","name":${name},"input":${use.input}}`;
}

function stopReason(content: ReplyContent): string {
  return content.toolUses.length === 0 ? "end_turn" : "tool_use";
}
