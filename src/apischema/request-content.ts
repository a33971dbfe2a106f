// What a guardrail is shown of a request: all its texts, and the tools, calls and messages in OpenAI's
// shape, which is the one guardrail services know. Pure, runs on any thread.

import { GatewayError } from "../errors/gateway-error.ts";
import { asArray, asObject, isText, type LooseObject } from "./loose-json.ts";
import { readTexts } from "./text-slots.ts";
import type { DocumentTexts } from "./text-slots.ts";

export interface RequestContent extends DocumentTexts {
  /** Tool definitions as OpenAI writes them; built-in tools as they came. */
  readonly tools: readonly unknown[];
  /** Tool calls of earlier turns. */
  readonly toolCalls: readonly unknown[];
  /** The conversation as OpenAI messages, a system prompt included. */
  readonly messages: readonly unknown[];
}

/** Top-level fields that steer a call and reach no model as text. */
const steering: ReadonlySet<string> = new Set([
  "model",
  "metadata",
  "user",
  "safety_identifier",
  "prompt_cache_key",
  "tool_choice",
  "stop",
  "stop_sequences",
  "stream_options",
  "modalities",
  "reasoning_effort",
  "verbosity",
  "guardrails",
  "betas",
  "mcp_servers",
  "container",
  "audio",
  "include",
]);

/**
 * Reads a request body that has been through JSON.parse; what has no known shape still has its texts.
 *
 * @throws GatewayError `payload_too_large` for more texts than can be kept
 */
export function readRequestContent(api: "openai" | "anthropic", body: unknown): RequestContent {
  const request = asObject(body) ?? {};
  const texts = readTexts(request, steering, tooManyTexts);
  const tools = asArray(request["tools"]);
  const messages = asArray(request["messages"]);
  if (api === "openai") {
    const toolCalls = messages.flatMap((message) => asArray(asObject(message)?.["tool_calls"]));
    return { ...texts, tools, toolCalls, messages };
  }
  return {
    ...texts,
    tools: tools.map(toOpenAITool),
    toolCalls: messages.flatMap(toolCallsOf),
    messages: [...systemMessage(request["system"]), ...messages.flatMap(toOpenAIMessages)],
  };
}

/** Tool calls of a whole reply, in OpenAI's shape. */
export function readReplyToolCalls(api: "openai" | "anthropic", body: unknown): readonly unknown[] {
  const reply = asObject(body) ?? {};
  if (api === "anthropic") return toolCallsOf(reply);
  return asArray(reply["choices"]).flatMap((choice) =>
    asArray(asObject(asObject(choice)?.["message"])?.["tool_calls"]),
  );
}

function tooManyTexts(): GatewayError {
  return new GatewayError("payload_too_large", "the request has more texts than can be checked");
}

function systemMessage(system: unknown): unknown[] {
  const content = plainText(system);
  return content === "" ? [] : [{ role: "system", content }];
}

/** A tool's result is a message of its own at OpenAI, before what the user says beside it. */
function toOpenAIMessages(message: unknown): unknown[] {
  const { role, content } = asObject(message) ?? {};
  const blocks = asArray(content).map((block) => asObject(block) ?? {});
  const results = blocks
    .filter(({ type }) => type === "tool_result")
    .map((block) => ({
      role: "tool",
      tool_call_id: block["tool_use_id"],
      content: plainText(block["content"]),
    }));
  const toolCalls = toolCallsOf(message);
  const text = plainText(content);
  if (text === "" && toolCalls.length === 0 && results.length > 0) return results;
  const own = { role, content: text, ...(toolCalls.length > 0 && { tool_calls: toolCalls }) };
  return [...results, own];
}

function toolCallsOf(message: unknown): unknown[] {
  return asArray(asObject(message)?.["content"])
    .map((block) => asObject(block) ?? {})
    .filter(({ type }) => type === "tool_use")
    .map(({ id, name, input }) => ({
      id,
      type: "function",
      function: { name, arguments: JSON.stringify(input ?? {}) },
    }));
}

function toOpenAITool(tool: unknown): unknown {
  const fields: LooseObject = asObject(tool) ?? {};
  if (fields["input_schema"] === undefined) return tool;
  const { name, description, input_schema: parameters } = fields;
  return { type: "function", function: { name, description, parameters } };
}

/** The text of a string, or of a list of blocks. */
function plainText(content: unknown): string {
  if (isText(content)) return content;
  return asArray(content)
    .map((block) => asObject(block)?.["text"])
    .filter(isText)
    .join("\n");
}
