// Langfuse: usage and cost as JSON, which replace what it would make of the conventions' counts (it knows no
// `cache_write` and adds that up twice). No model on any span but chat: it would become a generation. Pure.

import * as derived from "./derived-values.ts";
import type { Dialect } from "./dialect.ts";

const chain = { "openinference.span.kind": "CHAIN" } as const;

export const langfuseDialect: Dialect = {
  root: { ...chain, "input.value": derived.callInput, "output.value": derived.callOutput },
  chat: {
    "langfuse.observation.usage_details": derived.langfuseUsage,
    "langfuse.observation.cost_details": derived.langfuseCost,
    "langfuse.observation.completion_start_time": derived.completionStartTime,
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
  // The direct path: without it a span may take ten minutes to be seen.
  headers: { "x-langfuse-ingestion-version": "4" },
  protobufOnly: false,
  unsetsRecoveredAttempts: false,
};
