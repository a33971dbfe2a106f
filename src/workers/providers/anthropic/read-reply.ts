// Reads a plain (not streamed) Anthropic-format reply. Worker thread. Pure.

import { asObject } from "../json-probe.ts";
import type { ReplyFacts } from "../reply-facts.ts";
import { createAnthropicFacts } from "./gathered-facts.ts";

/** Reads a message, or an error body. Total: what it does not know it leaves out. */
export function readAnthropicReply(json: unknown): ReplyFacts {
  const reply = createAnthropicFacts();
  const body = asObject(json);
  if (body === undefined) return reply.facts(false);
  const isError = reply.noteError(body) !== undefined;
  if (!isError) reply.noteMessage(body);
  return reply.facts(body["type"] === "message");
}
