// Demo, tests and bench: replies of OpenAI's Responses API, which everyspan passes through unread. Pure.

import type { ReplyContent } from "./reply-content.ts";
import { responseId } from "./provider-usage.ts";

/** A finished `response` object as JSON text. */
export function openaiResponse(content: ReplyContent): string {
  return JSON.stringify(responseObject(content, "completed"));
}

/** The named events of a Responses stream; it has no `[DONE]`. */
export function openaiResponseStream(content: ReplyContent): string[] {
  let sequence = 0;
  const event = (type: string, fields: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`;
  const item = { item_id: `msg_item_${content.call}`, output_index: 0, content_index: 0 };
  return [
    event("response.created", { response: responseObject(content, "in_progress") }),
    ...content.parts.map((delta) => event("response.output_text.delta", { ...item, delta })),
    event("response.output_text.done", { ...item, text: content.text }),
    event("response.completed", { response: responseObject(content, "completed") }),
  ];
}

function responseObject(content: ReplyContent, status: "completed" | "in_progress"): object {
  const done = status === "completed";
  const message = {
    id: `msg_item_${content.call}`,
    type: "message",
    role: "assistant",
    status,
    content: [{ type: "output_text", text: content.parts.join(""), annotations: [] }],
  };
  const { usage } = content;
  return {
    id: responseId("resp", content.call),
    object: "response",
    created_at: 1_760_000_000,
    status,
    model: content.model,
    output: done ? [message] : [],
    usage: done
      ? {
          input_tokens: usage.inputTokens,
          input_tokens_details: {
            cached_tokens: usage.cachedTokens,
            cache_write_tokens: usage.cacheWriteTokens,
          },
          output_tokens: usage.outputTokens,
          output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
          total_tokens: usage.inputTokens + usage.outputTokens,
        }
      : null,
  };
}
