import { describe, expect, test } from "bun:test";
import { configOf, problemsOf } from "./resolve-text.ts";

describe("a provider", () => {
  test("takes all that it knows", () => {
    const text = `
providers:
  local:
    api: openai
    base_url: http://localhost:8000/v1/
    api_key: sk-1
    timeout: 30s
    retries: 0
    retry_budget: 0
    concurrency: 5
    stream_usage: false
    headers: { X-Team: a, openai-organization: "org-1" }
`;
    expect(configOf(text).providers).toEqual([
      {
        name: "local",
        api: "openai",
        baseUrl: "http://localhost:8000/v1",
        apiKey: "sk-1",
        timeoutMs: 30_000,
        retries: 0,
        retryBudgetMs: 0,
        concurrency: 5,
        streamUsage: false,
        headers: { "x-team": "a", "openai-organization": "org-1" },
      },
    ]);
  });

  test("says which API it speaks, unless its name does", () => {
    expect(configOf("providers: { anthropic: {} }").providers[0]?.api).toBe("anthropic");
    expect(configOf("providers: { openai: { api: anthropic } }").providers[0]?.api).toBe(
      "anthropic",
    );
    expect(problemsOf("providers: { mine: {} }")).toEqual([
      "providers.mine.api: is missing; it must be openai or anthropic",
    ]);
  });

  test("has the public address of its API unless it names one", () => {
    expect(configOf("providers: { b: { api: anthropic } }").providers[0]?.baseUrl).toBe(
      "https://api.anthropic.com",
    );
  });

  test("with a key that may be unset forwards the caller's", () => {
    const text = 'providers: { openai: { api_key: "${OPENAI_API_KEY:-}" } }';
    expect(configOf(text).providers[0]?.apiKey).toBeUndefined();
    expect(configOf(text, { environment: { OPENAI_API_KEY: "k" } }).providers[0]?.apiKey).toBe("k");
  });

  test.each([
    [
      "base_url: localhost:8000",
      "base_url: must be an address that begins with http:// or https://",
    ],
    ["base_url: ftp://a", "base_url: must be an address that begins with http:// or https://"],
    ["base_url: 'http://'", "base_url: must be an address that begins with http:// or https://"],
    [
      "base_url: https://a?k=v",
      "base_url: must be an address without ? and #: paths are added to it",
    ],
    [
      "base_url: https://u:p@a",
      "base_url: must not hold a user name or password: send them in headers",
    ],
    ["headers: { a b: c }", 'headers["a b"]: must be the name of an HTTP header'],
    ["headers: { a: 1.0 }", "headers.a: must be text: put quotes around it"],
    ['headers: { a: "x\\ny" }', "headers.a: must be printable ASCII on one line"],
    ["headers: { a: }", "headers.a: is missing; it must be text: put quotes around it"],
    [
      "headers: { a: b, A: c }",
      "headers.A: stands there twice, for capitals do not count; leave one out",
    ],
    [
      "timeout: 0",
      "timeout: must be a duration such as 500ms, 30s, 2m or 24h: add a unit, 0s or 0ms (got 0)",
    ],
    ["timeout: 0s", 'timeout: must be from 1ms to 2147483647ms (got "0s")'],
    ["concurrency: 0", "concurrency: must be a whole number from 1 to 1000000 (got 0)"],
  ])("refuses %s", (line, expected) => {
    expect(problemsOf(`providers: { openai: { ${line} } }`)).toEqual([
      `providers.openai.${expected}`,
    ]);
  });

  test("has a name that fits headers and labels", () => {
    expect(problemsOf('providers: { "a b": { api: openai } }')).toEqual([
      'providers["a b"]: must be named with letters, digits, dots, hyphens and underscores',
    ]);
  });

  test("is needed", () => {
    expect(problemsOf("providers: {}")).toEqual([
      "providers: must hold at least one provider, or be left out",
    ]);
  });
});

describe("models", () => {
  test("come in the order of the file", () => {
    const text = `
models:
  - { name: fast, provider: openai, model: gpt-4o-mini }
  - { name: "claude-*", provider: anthropic }
`;
    expect(configOf(text).models).toEqual([
      { name: "fast", provider: "openai", model: "gpt-4o-mini" },
      { name: "claude-*", provider: "anthropic", model: undefined },
    ]);
  });

  test.each([
    ["[]", "models: must hold at least one model; for any model, leave models out"],
    ["[{ name: a }]", "models[0].provider: is missing; it must be text"],
    ["[{ name: 4, provider: openai }]", "models[0].name: must be text: put quotes around it"],
    ['[{ name: "", provider: openai }]', "models[0].name: must be text that is not empty"],
    [
      "[{ name: a, provider: azure }]",
      "models[0].provider: there is no provider of this name; known: openai, anthropic",
    ],
    [
      "[{ name: a, provider: openai }, { name: a, provider: anthropic }]",
      "models[1].name: is the same as models[0].name; each must be different",
    ],
  ])("refuses %s", (models, expected) => {
    expect(problemsOf(`models: ${models}`)).toEqual([expected]);
  });
});

describe("pricing", () => {
  test("keeps what is given and leaves the rest to the price list", () => {
    const text =
      "pricing: [{ model: mine, input: 0.5, output: 2, cached_input: 0, cache_write: 1 }, { model: b }]";
    expect(configOf(text).pricing).toEqual([
      { model: "mine", input: 0.5, output: 2, cachedInput: 0, cacheWrite: 1 },
      {
        model: "b",
        input: undefined,
        output: undefined,
        cachedInput: undefined,
        cacheWrite: undefined,
      },
    ]);
  });

  test("refuses prices below nothing and models twice", () => {
    expect(problemsOf("pricing: [{ model: a, input: -1 }, { model: a, output: .nan }]")).toEqual([
      "pricing[0].input: must be a number from 0 to 1000000 (got -1)",
      "pricing[1].output: must be a number from 0 to 1000000 (got null)",
      "pricing[1].model: is the same as pricing[0].model; each must be different",
    ]);
  });
});
