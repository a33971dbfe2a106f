// Tests: what a guardrail is given, with defaults for all that a test does not care about.

import type { GuardrailInput } from "../../src/workers/guardrails/guardrail.ts";

export function guardrailInput(given: Partial<GuardrailInput> = {}): GuardrailInput {
  return {
    texts: ["a text"],
    stage: "pre_call",
    route: "/v1/messages",
    model: "claude-haiku-4-5",
    call: "call-1",
    traceId: "0123456789abcdef0123456789abcdef",
    images: [],
    tools: [],
    toolCalls: [],
    messages: [],
    final: true,
    extra: {},
    headers: [],
    endUser: "",
    keyName: "",
    ...given,
  };
}
