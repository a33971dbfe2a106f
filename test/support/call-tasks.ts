// Tests: tasks for the pool's threads.

import type { CallTask } from "../../src/protocol/call-task.ts";

export function testTask(body: string): CallTask {
  return {
    call: Bun.randomUUIDv7(),
    route: "chat_completions",
    method: "POST",
    path: "/chat/completions",
    provider: "openai",
    headers: "{}",
    keyName: "",
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
