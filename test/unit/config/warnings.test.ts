import { expect, test } from "bun:test";
import { warningsOf } from "./resolve-text.ts";

test("a provider without a key is warned of where callers have keys of ours", () => {
  const text = `
server: { keys: [{ name: a, key: k }] }
providers:
  openai: { api_key: sk }
  anthropic: {}
  local: { api: openai, headers: { authorization: "Bearer x" } }
`;
  expect(warningsOf(text)).toEqual([
    "providers.anthropic has no api_key, and callers' everyspan keys (server.keys) are not " +
      "forwarded to it",
  ]);
});

test("a destination whose address has no path is warned of", () => {
  const text = `
tracing:
  destinations:
    - { name: a, endpoint: "http://a:4318" }
    - { name: b, endpoint: "http://b:4318/v1/traces" }
`;
  expect(warningsOf(text)).toEqual([
    "the endpoint of destination a has no path and is used as it is; most take traces at /v1/traces",
  ]);
});

test("a guardrail that would hold streams it never looks at is warned of", () => {
  const guardrail = (name: string, mode: string) =>
    `  - { name: ${name}, type: pattern, builtin: [email], stream: whole, modes: [${mode}] }\n`;
  expect(
    warningsOf(`guardrails:\n${guardrail("a", "pre_call")}${guardrail("b", "post_call")}`),
  ).toEqual(["guardrail a has stream: whole but no post_call in its modes"]);
});
