// Tests: tasks for the pool's threads, and the outcome of one that recorded nothing.

import { noOutcome } from "../../src/protocol/call-task.ts";
import type { CallOutcome, CallTask } from "../../src/protocol/call-task.ts";

export const ownOutcome: CallOutcome = noOutcome;

export function testTask(body: string): CallTask {
  return {
    call: Bun.randomUUIDv7(),
    route: "chat_completions",
    method: "POST",
    path: "/chat/completions",
    provider: "openai",
    headers: "{}",
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
    attributes: "",
    spanIds: "",
    isPaced: false,
  };
}
