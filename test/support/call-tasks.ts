// Tests: tasks for the pool's threads, and the outcome of one that recorded nothing.

import type { CallOutcome, CallTask } from "../../src/protocol/call-task.ts";

export const ownOutcome: CallOutcome = {
  spans: "",
  spanCount: 0,
  lastEndMs: 0,
  errorType: "",
  responseModel: "",
  inputTokens: -1,
  outputTokens: -1,
  cacheReadTokens: -1,
  cacheWriteTokens: -1,
  reasoningTokens: -1,
  cost: -1,
  timeToFirstChunkSeconds: -1,
  providerMs: 0,
  attempts: 0,
  chatSeconds: -1,
};

export function testTask(body: string): CallTask {
  return {
    call: Bun.randomUUIDv7(),
    route: "chat_completions",
    method: "POST",
    path: "/chat/completions",
    provider: "openai",
    headers: "[]",
    keyHeader: "",
    body,
    bytes: undefined,
    facts: "",
    providerModel: "",
    guardrails: "[]",
    traceparent: "",
    tracestate: "",
    anchorMs: 0,
    sessionId: "",
    userId: "",
  };
}
