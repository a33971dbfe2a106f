// Backends: the calls that are sent through the gateway, as a table. Each goes over both routes.

import type { Script } from "../../src/demo/provider-script.ts";
import type { ApiCall } from "../support/api-calls.ts";

export interface Scenario {
  readonly name: string;
  readonly call: Partial<ApiCall>;
  readonly headers?: Readonly<Record<string, string>>;
  /** The caller's own span, which never reaches a backend, is the parent. */
  readonly hasCaller?: boolean;
}

const usage: NonNullable<Script["usage"]> = {
  inputTokens: 1000,
  outputTokens: 500,
  cachedTokens: 300,
  cacheWriteTokens: 200,
  reasoningTokens: 120,
};

/** Which guardrail stops it: see the configuration in run-backends.ts. */
export const forbiddenWord = "FORBIDDEN-WORD";

export const scenarios: readonly Scenario[] = [
  { name: "plain", call: {} },
  { name: "stream", call: { stream: true } },
  { name: "cached, cache write, reasoning", call: { script: { usage } } },
  { name: "the same, streamed", call: { stream: true, script: { usage } } },
  { name: "a price of our own", call: { model: "house-priced", script: { usage } } },
  { name: "no price known", call: { model: "house-unpriced", script: { usage } } },
  { name: "provider error", call: { script: { status: 400 } } },
  { name: "retried after 429", call: { script: { failFirst: { times: 1, status: 429 } } } },
  { name: "cut in mid-stream", call: { stream: true, script: { cutAfterChunks: 3 } } },
  { name: "blocked by a guardrail", call: { prompt: `say ${forbiddenWord}` } },
  {
    name: "session and user",
    call: { fields: { user: "user-42" }, metadata: "user_id" },
    headers: { "x-session-id": "session-7" },
  },
];

export const callerScenario: Scenario = {
  name: "under a caller's span",
  call: {},
  hasCaller: true,
};
