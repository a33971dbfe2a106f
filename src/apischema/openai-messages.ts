// Messages of OpenAI's chat format as the GenAI conventions write them. Pure and total: what has no known
// shape is named by its type and left out.

import { asArray, asObject, isText } from "./loose-json.ts";
import type { LooseObject } from "./loose-json.ts";
import { mediaPart, parsedArguments, textPart } from "./message-parts.ts";
import type { MessagePart, SpanMessage } from "./message-parts.ts";

/** The conversation of a request; system messages are part of it in this format. */
export function openaiInputMessages(body: unknown): SpanMessage[] {
  return asArray(asObject(body)?.["messages"]).map((message) => {
    const fields = asObject(message) ?? {};
    const role = isText(fields["role"]) ? fields["role"] : "user";
    return { role, parts: role === "tool" ? [toolResponse(fields)] : messageParts(fields) };
  });
}

/** One message per choice of a whole reply. */
export function openaiOutputMessages(reply: unknown): SpanMessage[] {
  return asArray(asObject(reply)?.["choices"]).map((choice) => {
    const fields = asObject(choice) ?? {};
    const message = asObject(fields["message"]) ?? {};
    const role = isText(message["role"]) ? message["role"] : "assistant";
    const parts = messageParts(message);
    return { role, parts, finish_reason: finishReason(fields["finish_reason"]) };
  });
}

function messageParts(message: LooseObject): MessagePart[] {
  const parts: MessagePart[] = [];
  const reasoning = message["reasoning_content"] ?? message["reasoning"];
  if (isText(reasoning) && reasoning !== "") parts.push({ type: "reasoning", content: reasoning });
  const { content } = message;
  if (isText(content)) {
    if (content !== "") parts.push(textPart(content));
  } else parts.push(...asArray(content).map(contentPart));
  if (isText(message["refusal"])) parts.push(textPart(message["refusal"]));
  parts.push(...asArray(message["tool_calls"]).map(toolCall));
  const legacy = asObject(message["function_call"]);
  if (legacy !== undefined) parts.push(toolCall({ function: legacy }));
  return parts;
}

function contentPart(part: unknown): MessagePart {
  const fields = asObject(part) ?? {};
  const type = isText(fields["type"]) ? fields["type"] : "unknown";
  const text = fields["text"] ?? fields["refusal"];
  if (isText(text)) return textPart(text);
  const image = asObject(fields["image_url"])?.["url"];
  if (isText(image)) return mediaPart("image", image);
  const audio = asObject(fields["input_audio"]);
  if (audio !== undefined) {
    return {
      type: "blob",
      modality: "audio",
      mime_type: `audio/${String(audio["format"])}`,
      content: "",
    };
  }
  const file = asObject(fields["file"]);
  if (file === undefined) return { type };
  return { type: "file", modality: "document", file_id: file["file_id"] ?? file["filename"] };
}

function toolCall(call: unknown): MessagePart {
  const fields = asObject(call) ?? {};
  const called = asObject(fields["function"]) ?? asObject(fields["custom"]) ?? {};
  const written = called["arguments"] ?? called["input"];
  return {
    type: "tool_call",
    id: fields["id"],
    name: called["name"],
    arguments: isText(written) ? parsedArguments(written) : written,
  };
}

function toolResponse(message: LooseObject): MessagePart {
  const { content } = message;
  const response = isText(content)
    ? content
    : asArray(content)
        .map((part) => asObject(part)?.["text"])
        .filter(isText)
        .join("\n");
  return { type: "tool_call_response", id: message["tool_call_id"], response };
}

/** The conventions' words; a provider's own pass as they are. A choice without one was cut off. */
function finishReason(reason: unknown): string {
  if (reason === "tool_calls" || reason === "function_call") return "tool_call";
  return isText(reason) ? reason : "error";
}
