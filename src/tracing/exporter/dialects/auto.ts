// The default dialect: OpenInference kinds on all spans but chat, which make guardrails visible in Phoenix,
// MLflow and Langfuse at once. The chat span needs none (LLM would turn MLflow's CHAT_MODEL into LLM). Pure.

import type { Dialect, ExtraAttributes } from "./dialect.ts";

const chain: ExtraAttributes = { "openinference.span.kind": "CHAIN" };
const guardrail: ExtraAttributes = { "openinference.span.kind": "GUARDRAIL" };

export const autoDialect: Dialect = (call) =>
  call.map((span) => {
    if (span.name === "chat" || span.name.startsWith("chat ")) return undefined;
    return span.name.startsWith("apply_guardrail") ? guardrail : chain;
  });
