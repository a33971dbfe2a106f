import { describe, expect, test } from "bun:test";
import { configOf, problemsOf } from "./resolve-text.ts";

const common = {
  always: false,
  onError: "block",
  timeoutMs: 5000,
  stream: { mode: "window", holdbackChars: 64, windowChars: 256, windowMs: 50 },
};

function guardrails(text: string): unknown {
  return configOf(`guardrails:\n${text}`).guardrails;
}

describe("a guardrail of type", () => {
  test("generic_api takes all that it knows", () => {
    const text = `
  - name: pii
    type: generic_api
    url: http://127.0.0.1:8081/
    modes: [pre_call, during_call, post_call, pre_call]
    always: true
    on_error: allow
    timeout: 2s
    stream: whole
    holdback: 10
    window_size: 20
    window_time: 30ms
    api_key: k
    headers: { X-A: b }
    forward_headers: [X-Request-Id]
    additional_provider_specific_params: { threshold: 0.5, deep: { list: [1] } }
    unreachable: block
`;
    expect(guardrails(text)).toEqual([
      {
        name: "pii",
        type: "generic_api",
        url: "http://127.0.0.1:8081",
        modes: ["pre_call", "during_call", "post_call"],
        always: true,
        onError: "allow",
        timeoutMs: 2000,
        stream: { mode: "whole", holdbackChars: 10, windowChars: 20, windowMs: 30 },
        apiKey: "k",
        headers: { "x-a": "b" },
        forwardHeaders: ["x-request-id"],
        additionalProviderSpecificParams: { threshold: 0.5, deep: { list: [1] } },
        unreachable: "block",
      },
    ]);
  });

  test("generic_api treats an unreachable server as any error unless told otherwise", () => {
    const text =
      '  - { name: a, type: generic_api, url: "http://a", modes: [pre_call], on_error: allow }';
    expect(guardrails(text)).toMatchObject([{ onError: "allow", unreachable: "allow" }]);
  });

  test("pattern needs only what it looks for", () => {
    const text = `
  - { name: s, type: pattern, modes: [pre_call], builtin: [secrets, iban] }
  - { name: t, type: pattern, modes: [post_call], patterns: [{ name: k, regex: "AKIA[0-9A-Z]{16}" }], action: mask }
`;
    expect(guardrails(text)).toEqual([
      {
        ...common,
        name: "s",
        type: "pattern",
        modes: ["pre_call"],
        patterns: [],
        builtin: ["secrets", "iban"],
        action: "block",
      },
      {
        ...common,
        name: "t",
        type: "pattern",
        modes: ["post_call"],
        patterns: [{ name: "k", regex: "AKIA[0-9A-Z]{16}" }],
        builtin: [],
        action: "mask",
      },
    ]);
  });

  test("module has its path start at the file", () => {
    expect(
      guardrails("  - { name: m, type: module, modes: [pre_call], path: ./rules.ts }"),
    ).toEqual([
      {
        ...common,
        name: "m",
        type: "module",
        modes: ["pre_call"],
        path: "/etc/everyspan/rules.ts",
      },
    ]);
  });
});

describe("a guardrail is refused", () => {
  const pattern = "type: pattern, builtin: [email]";
  test.each([
    ["name: a", "[0].type: is missing; it must be generic_api, pattern or module"],
    [
      "name: a, type: patern",
      '[0].type: must be generic_api, pattern or module; did you mean pattern? (got "patern")',
    ],
    [
      `name: "a,b", modes: [pre_call], ${pattern}`,
      "[0].name: must be a name of letters, digits, dots, hyphens and underscores",
    ],
    [
      `name: a, ${pattern}`,
      "[0].modes: is missing; it must be a list of pre_call, during_call, post_call",
    ],
    [
      `name: a, modes: [], ${pattern}`,
      "[0].modes: must hold at least one of pre_call, during_call, post_call",
    ],
    [
      `name: a, modes: [pre], ${pattern}`,
      '[0].modes[0]: must be pre_call, during_call or post_call (got "pre")',
    ],
    [
      "name: a, modes: [pre_call], type: pattern",
      "[0]: looks for nothing; it needs patterns or builtin",
    ],
    [
      "name: a, modes: [pre_call], type: pattern, builtin: [emails]",
      '[0].builtin[0]: must be secrets, email, card_number or iban; did you mean email? (got "emails")',
    ],
    [
      'name: a, modes: [pre_call], type: pattern, patterns: [{ name: b, regex: "a(" }]',
      "[0].patterns[0].regex: must be a JavaScript regular expression: missing )",
    ],
    [
      'name: a, modes: [pre_call], type: pattern, patterns: [{ name: b, regex: "a*" }]',
      "[0].patterns[0].regex: must not match the empty text",
    ],
    ["name: a, modes: [pre_call], type: module", "[0].path: is missing; it must be a path"],
    [
      "name: a, modes: [pre_call], type: generic_api, url: a",
      "[0].url: must be an address that begins with http:// or https://",
    ],
    [
      `name: a, modes: [pre_call], ${pattern}, url: "http://a"`,
      "[0].url: unknown key; known here: name, modes, always, on_error, timeout, stream, holdback, " +
        "window_size, window_time, type, patterns, builtin, action",
    ],
  ])("when it is { %s }", (fields, expected) => {
    expect(problemsOf(`guardrails: [{ ${fields} }]`)).toEqual([`guardrails${expected}`]);
  });

  test("when its name is taken", () => {
    const text = `guardrails:
  - { name: a, modes: [pre_call], ${pattern} }
  - { name: a, modes: [post_call], ${pattern} }
`;
    expect(problemsOf(text)).toEqual([
      "guardrails[1].name: is the same as guardrails[0].name; each must be different",
    ]);
  });

  test("when it is no mapping", () => {
    expect(problemsOf("guardrails: [pii, ~]")).toEqual([
      "guardrails[0]: must be a mapping of keys to values",
      "guardrails[1]: must be a mapping of keys to values",
    ]);
  });

  test("when there is no file where its module should be", () => {
    const text = "guardrails: [{ name: m, type: module, modes: [pre_call], path: x.ts }]";
    expect(problemsOf(text, { fileExists: () => false })).toEqual([
      "guardrails[0].path: there is no readable file at /etc/everyspan/x.ts",
    ]);
  });
});
