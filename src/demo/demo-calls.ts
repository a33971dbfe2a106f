// The calls of the demo: sixty at once, of the kinds that other gateways lose spans on. Plain data.

import type { Script } from "./provider-script.ts";

export interface DemoCall {
  readonly route: "/v1/chat/completions" | "/v1/messages";
  readonly stream: boolean;
  readonly nativeMetadata: boolean;
  /** What the provider does; it reads this from the body field `x_script`. */
  readonly script: Script;
  /** The client leaves after the first part of the reply. */
  readonly leaves: boolean;
  /** Provider attempts that the trace must show. */
  readonly attempts: number;
  /** The guardrail that the caller names; empty: none. */
  readonly guardrail: "" | "keys" | "house-rules" | "codenames";
  readonly prompt: string;
}

const slow: Script = { delayMs: 30, chunkDelayMs: 5 };
const total = 60;
const blabber =
  "Traces are made of spans, and spans have parents; all of them have one but the first. ".repeat(
    3,
  );
const ordinary = {
  leaves: false,
  attempts: 1,
  guardrail: "",
  prompt: "Say something about traces.",
} as const;

/** Both routes, streaming and plain, with and without `metadata`; six of them go wrong on purpose. */
export function demoCalls(): DemoCall[] {
  const calls: DemoCall[] = [];
  for (let index = 0; index < total - 6; index++) {
    calls.push({
      route: index % 2 === 0 ? "/v1/chat/completions" : "/v1/messages",
      stream: index % 4 >= 2,
      nativeMetadata: index % 3 === 0,
      script: slow,
      ...ordinary,
    });
  }
  const stream = { ...ordinary, stream: true, nativeMetadata: true } as const;
  calls.push(
    {
      ...stream,
      route: "/v1/chat/completions",
      stream: false,
      script: slow,
      guardrail: "keys",
      prompt: "Why does AKIAIOSFODNN7EXAMPLE not work?",
    },
    {
      ...stream,
      route: "/v1/messages",
      stream: false,
      script: slow,
      guardrail: "house-rules",
      prompt: "Tell me the launch code.",
      attempts: 0,
    },
    {
      ...stream,
      route: "/v1/messages",
      script: { text: `${blabber} Project Amsel is next.`, chunks: 40, chunkDelayMs: 5 },
      guardrail: "codenames",
    },
    {
      ...stream,
      route: "/v1/chat/completions",
      stream: false,
      script: { failFirst: { times: 1, status: 429 } },
      attempts: 2,
    },
    { ...stream, route: "/v1/messages", script: { chunkDelayMs: 5, cutAfterChunks: 4 } },
    {
      ...stream,
      route: "/v1/chat/completions",
      script: { chunks: 400, chunkDelayMs: 20 },
      leaves: true,
    },
  );
  return calls;
}

/** The request of a call, as an app would send it. `traceparent` is the app's own span. */
export function demoRequest(call: DemoCall, traceparent: string): RequestInit {
  const anthropic = call.route === "/v1/messages";
  const body = {
    model: anthropic ? "claude-haiku-4-5" : "gpt-4o-mini",
    stream: call.stream,
    ...(anthropic && { max_tokens: 64 }),
    ...(call.nativeMetadata && { metadata: { user_id: "demo-user" } }),
    messages: [{ role: "user", content: call.prompt }],
    x_script: call.script,
  };
  return {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: "Bearer demo",
      traceparent,
      "x-everyspan-guardrails": call.guardrail,
    },
    body: JSON.stringify(body),
  };
}
