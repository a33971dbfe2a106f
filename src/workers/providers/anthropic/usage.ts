// Reads the usage of Anthropic-format replies. Worker thread. In a stream it comes in cumulative pieces:
// the last value of each counter that is not null is the one, they are never added up.

import { asCount, asObject, asName } from "../json-probe.ts";
import type { UsageFacts } from "../reply-facts.ts";

export interface AnthropicUsage {
  /** Takes the counters of a `usage` object; null and absent ones keep what they had. */
  note(json: unknown): void;
  /** Anthropic leaves cached tokens out of `input_tokens`; {@link UsageFacts} has them in. */
  usage(): UsageFacts | undefined;
  serviceTier(): string | undefined;
}

export function createAnthropicUsage(): AnthropicUsage {
  let input: number | undefined;
  let output: number | undefined;
  let cacheRead: number | undefined;
  let cacheWrite: number | undefined;
  let reasoning: number | undefined;
  let tier: string | undefined;

  return {
    note(json) {
      const usage = asObject(json);
      if (usage === undefined) return;
      const details = asObject(usage["output_tokens_details"]);
      input = asCount(usage["input_tokens"]) ?? input;
      output = asCount(usage["output_tokens"]) ?? output;
      cacheRead = asCount(usage["cache_read_input_tokens"]) ?? cacheRead;
      cacheWrite = asCount(usage["cache_creation_input_tokens"]) ?? cacheWrite;
      reasoning = asCount(details?.["thinking_tokens"]) ?? reasoning;
      tier = asName(usage["service_tier"]) ?? tier;
    },
    usage() {
      const parts = [input, cacheRead, cacheWrite].filter((part) => part !== undefined);
      const inputTokens = parts.length === 0 ? undefined : asCount(sum(parts));
      if (inputTokens === undefined && output === undefined) return undefined;
      return {
        ...(inputTokens !== undefined && { inputTokens }),
        ...(output !== undefined && { outputTokens: output }),
        ...(cacheRead !== undefined && { cacheReadTokens: cacheRead }),
        ...(cacheWrite !== undefined && { cacheWriteTokens: cacheWrite }),
        ...(reasoning !== undefined && { reasoningTokens: reasoning }),
      };
    },
    serviceTier: () => tier,
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}
