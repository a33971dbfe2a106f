// What dialects derive from a call for the backends' own attributes. Pure. Absent facts give no attribute:
// a backend must never be told a zero that nobody measured.

import { attr } from "../../recorder/semconv.ts";
import type { CallSpan } from "./call-span.ts";
import type { Derive } from "./dialect.ts";

/** The model that answered. */
export const servedModel: Derive = ({ values }) => values[attr.responseModel];

export const cacheWriteTokens: Derive = ({ values }) => values[attr.usageCacheWriteTokens];

export const reasoningTokens: Derive = ({ values }) => values[attr.usageReasoningTokens];

/**
 * Langfuse's units, which replace what it would count itself. They must not overlap: it adds them up, and
 * reasoning is left in the output because a unit without a price is free there.
 */
export const langfuseUsage: Derive = (span) => {
  const input = count(span, attr.usageInputTokens);
  const output = count(span, attr.usageOutputTokens);
  if (input === undefined) return undefined;
  const read = count(span, attr.usageCacheReadTokens) ?? 0;
  const write = count(span, attr.usageCacheWriteTokens) ?? 0;
  let units = `{"input":${Math.max(0, input - read - write)}`;
  if (read > 0) units += `,"input_cached_tokens":${read}`;
  if (write > 0) units += `,"input_cache_creation":${write}`;
  return `${units},"output":${output ?? 0},"total":${input + (output ?? 0)}}`;
};

export const langfuseCost: Derive = (span) => {
  const cost = costOf(span);
  if (cost === undefined) return undefined;
  return `{"input":${cost.input},"output":${cost.output},"total":${cost.total}}`;
};

export const mlflowCost: Derive = (span) => {
  const cost = costOf(span);
  if (cost === undefined) return undefined;
  return `{"input_cost":${cost.input},"output_cost":${cost.output},"total_cost":${cost.total}}`;
};

/** When the first content came, as ISO 8601; on streams only. */
export const completionStartTime: Derive = (span) => {
  const seconds = span.values[attr.responseTimeToFirstChunk];
  if (typeof seconds !== "number") return undefined;
  return new Date(span.startMs + seconds * 1000).toISOString();
};

/** On a guardrail that blocked, and on no other. */
export const warningOnBlock: Derive = ({ values }) =>
  values[attr.guardrailVerdict] === "block" ? "WARNING" : undefined;

/** The call's messages with the system prompt in front, for whoever shows this hides that elsewhere. */
export const callInput: Derive = (_span, chat) => {
  const messages = chat?.values[attr.inputMessages];
  const system = chat?.values[attr.systemInstructions];
  if (typeof messages !== "string" || typeof system !== "string") return messages;
  const rest = messages.trim();
  if (!rest.startsWith("[")) return messages;
  const first = `[{"role":"system","parts":${system}}`;
  return /^\[\s*\]$/.test(rest) ? `${first}]` : `${first},${rest.slice(1)}`;
};

export const callOutput: Derive = (_span, chat) => chat?.values[attr.outputMessages];

export const guardrailInput: Derive = ({ values }) => values[attr.guardrailInput];

/** What the guardrail let through, else its verdict: a guardrail's output is never empty. */
export const guardrailOutput: Derive = ({ values }) =>
  values[attr.guardrailOutput] ??
  (values[attr.guardrailInput] === undefined ? undefined : values[attr.guardrailVerdict]);

export const spanName: Derive = ({ name }) => name;

/** USD. The parts are known whenever the total is. */
function costOf({ values }: CallSpan): Record<"input" | "output" | "total", number> | undefined {
  const total = values[attr.usageCost];
  const input = values[attr.costInput];
  const output = values[attr.costOutput];
  if (typeof total !== "number" || typeof input !== "number" || typeof output !== "number") {
    return undefined;
  }
  return { input: plain(input), output: plain(output), total: plain(total) };
}

/** Without what binary fractions leave behind the twelfth place. */
function plain(value: number): number {
  return Math.round(value * 1e12) / 1e12;
}

function count({ values }: CallSpan, key: string): number | undefined {
  const value = values[key];
  return typeof value === "number" ? value : undefined;
}
