// The default dialect, for backends that their address does not tell: the one set that reads right in Phoenix,
// MLflow and Langfuse at once. The chat span has no OpenInference kind: LLM would hide MLflow's CHAT_MODEL. Pure.

import * as derived from "./derived-values.ts";
import type { Dialect } from "./dialect.ts";

const chain = { "openinference.span.kind": "CHAIN" } as const;

export const autoDialect: Dialect = {
  root: { ...chain, "input.value": derived.callInput, "output.value": derived.callOutput },
  chat: {
    "llm.model_name": derived.servedModel,
    "llm.token_count.prompt_details.cache_write": derived.cacheWriteTokens,
    "llm.token_count.completion_details.reasoning": derived.reasoningTokens,
    "langfuse.observation.usage_details": derived.langfuseUsage,
    "langfuse.observation.cost_details": derived.langfuseCost,
    "langfuse.observation.completion_start_time": derived.completionStartTime,
    "mlflow.llm.cost": derived.mlflowCost,
    "input.value": derived.callInput,
    "output.value": derived.callOutput,
  },
  guardrail: {
    "openinference.span.kind": "GUARDRAIL",
    "langfuse.observation.level": derived.warningOnBlock,
    "input.value": derived.guardrailInput,
    "output.value": derived.guardrailOutput,
  },
  attempt: chain,
  step: chain,
  headers: {},
  protobufOnly: false,
  unsetsRecoveredAttempts: false,
};
