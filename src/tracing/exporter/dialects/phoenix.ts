// Arize Phoenix: reads OpenInference names, and of the conventions what those do not say. It takes no cost from
// us (its own price list counts), no JSON, and calls a trace failed for one attempt that was made good. Pure.

import * as derived from "./derived-values.ts";
import type { Dialect } from "./dialect.ts";

const chain = { "openinference.span.kind": "CHAIN" } as const;

export const phoenixDialect: Dialect = {
  root: { ...chain, "input.value": derived.callInput, "output.value": derived.callOutput },
  chat: {
    "llm.model_name": derived.servedModel,
    "llm.token_count.prompt_details.cache_write": derived.cacheWriteTokens,
    "llm.token_count.completion_details.reasoning": derived.reasoningTokens,
    "input.value": derived.callInput,
    "output.value": derived.callOutput,
  },
  guardrail: {
    "openinference.span.kind": "GUARDRAIL",
    "input.value": derived.guardrailInput,
    "output.value": derived.guardrailOutput,
  },
  attempt: chain,
  step: chain,
  headers: {},
  protobufOnly: true,
  unsetsRecoveredAttempts: true,
};
