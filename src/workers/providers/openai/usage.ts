// Reads the usage of an OpenAI-format reply. Worker thread. Pure.

import { asCount, asObject } from "../json-probe.ts";
import type { UsageFacts } from "../reply-facts.ts";

/**
 * Reads `usage` of chat completions, or of responses, whose names differ. Both count cached input within
 * the input and reasoning within the output, as {@link UsageFacts} does. Undefined when nothing is told.
 */
export function readOpenAIUsage(json: unknown): UsageFacts | undefined {
  const usage = asObject(json);
  if (usage === undefined) return undefined;
  const input = asObject(usage["prompt_tokens_details"] ?? usage["input_tokens_details"]);
  const output = asObject(usage["completion_tokens_details"] ?? usage["output_tokens_details"]);
  const inputTokens = asCount(usage["prompt_tokens"] ?? usage["input_tokens"]);
  const outputTokens = asCount(usage["completion_tokens"] ?? usage["output_tokens"]);
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const cacheReadTokens = asCount(input?.["cached_tokens"]);
  const cacheWriteTokens = asCount(input?.["cache_write_tokens"]);
  const reasoningTokens = asCount(output?.["reasoning_tokens"]);
  return {
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(cacheReadTokens !== undefined && { cacheReadTokens }),
    ...(cacheWriteTokens !== undefined && { cacheWriteTokens }),
    ...(reasoningTokens !== undefined && { reasoningTokens }),
  };
}
