// Messages of Anthropic's format as the GenAI conventions write them. Pure and total: what has no known
// shape is named by its type and left out.

import { asArray, asObject, isText } from "./loose-json.ts";
import type { LooseObject } from "./loose-json.ts";
import { mediaPart, textPart } from "./message-parts.ts";
import type { MessagePart, SpanMessage } from "./message-parts.ts";

export function anthropicInputMessages(body: unknown): SpanMessage[] {
  return asArray(asObject(body)?.["messages"]).map((message) => {
    const { role, content } = asObject(message) ?? {};
    return { role: isText(role) ? role : "user", parts: contentParts(content) };
  });
}

/** The system prompt, which this format carries apart from the conversation. */
export function anthropicSystem(body: unknown): MessagePart[] {
  return contentParts(asObject(body)?.["system"]);
}

export function anthropicOutputMessages(reply: unknown): SpanMessage[] {
  const message = asObject(reply) ?? {};
  if (!Array.isArray(message["content"])) return [];
  const parts = contentParts(message["content"]);
  return [{ role: "assistant", parts, finish_reason: finishReason(message["stop_reason"]) }];
}

function contentParts(content: unknown): MessagePart[] {
  if (isText(content)) return content === "" ? [] : [textPart(content)];
  return asArray(content).map((block) => contentPart(asObject(block) ?? {}));
}

function contentPart(block: LooseObject): MessagePart {
  const type = isText(block["type"]) ? block["type"] : "unknown";
  switch (type) {
    case "text":
      return textPart(isText(block["text"]) ? block["text"] : "");
    case "thinking":
      return { type: "reasoning", content: isText(block["thinking"]) ? block["thinking"] : "" };
    case "tool_use":
      return { type: "tool_call", id: block["id"], name: block["name"], arguments: block["input"] };
    case "tool_result":
      return {
        type: "tool_call_response",
        id: block["tool_use_id"],
        response: plainText(block["content"]),
      };
    case "image":
      return sourcePart("image", asObject(block["source"]) ?? {});
    case "document":
      return sourcePart("document", asObject(block["source"]) ?? {});
    case "server_tool_use": {
      const { id, name, input } = block;
      return { type: "server_tool_call", id, name, server_tool_call: { type: name, input } };
    }
    default:
      return { type };
  }
}

function sourcePart(modality: string, source: LooseObject): MessagePart {
  const { url, file_id: fileId, data, media_type: mimeType } = source;
  if (isText(url)) return mediaPart(modality, url);
  if (isText(fileId)) return { type: "file", modality, file_id: fileId };
  if (source["type"] === "text" && isText(data)) return textPart(data);
  return { type: "blob", modality, mime_type: mimeType, content: "" };
}

function plainText(content: unknown): string {
  if (isText(content)) return content;
  return asArray(content)
    .map((block) => asObject(block)?.["text"])
    .filter(isText)
    .join("\n");
}

/** The conventions' words; Anthropic's others pass as they are. A message without one was cut off. */
function finishReason(reason: unknown): string {
  switch (reason) {
    case "end_turn":
    case "stop_sequence":
      return "stop";
    case "max_tokens":
      return "length";
    case "tool_use":
      return "tool_call";
    case "refusal":
      return "content_filter";
    default:
      return isText(reason) ? reason : "error";
  }
}
