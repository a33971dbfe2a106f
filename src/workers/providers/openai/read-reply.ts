// Reads a plain (not streamed) OpenAI-format reply. Worker thread. Pure.

import { asObject } from "../json-probe.ts";
import type { ReplyFacts } from "../reply-facts.ts";
import { createOpenAIFacts } from "./gathered-facts.ts";

/** Reads a chat completion, or an error body. Total: what it does not know it leaves out. */
export function readOpenAIReply(json: unknown): ReplyFacts {
  const reply = createOpenAIFacts();
  const body = asObject(json);
  if (body !== undefined) reply.note(body);
  return reply.facts(true);
}
