// MLflow: reads the conventions, a cost of its own as JSON, and OpenInference kinds on all but the chat span,
// which it knows as CHAT_MODEL by its operation. Pure.

import * as derived from "./derived-values.ts";
import type { Dialect } from "./dialect.ts";

const chain = { "openinference.span.kind": "CHAIN" } as const;

export const mlflowDialect: Dialect = {
  root: {
    ...chain,
    "mlflow.traceTag.mlflow.traceName": derived.spanName,
    "input.value": derived.callInput,
    "output.value": derived.callOutput,
  },
  chat: {
    "mlflow.llm.cost": derived.mlflowCost,
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
  protobufOnly: false,
  unsetsRecoveredAttempts: false,
};
