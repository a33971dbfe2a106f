import { describe, expect, test } from "bun:test";
import { describeAddress, describeConfig } from "../../../src/config/describe-config.ts";
import { configOf } from "./resolve-text.ts";

const secrets = { TEAM: "sk-team", OPENAI: "sk-openai", GUARD: "sk-guard", OTLP: "sk-otlp" };

const text = `
server: { host: 0.0.0.0, keys: [{ name: team-a, key: "\${TEAM}" }, { name: team-b, key: k2 }] }
providers:
  openai: { api_key: "\${OPENAI}", headers: { x-secret: "\${OPENAI}" } }
  anthropic: { timeout: 90s, retries: 1 }
models:
  - { name: fast, provider: openai, model: gpt-4o-mini }
  - { name: "claude-*", provider: anthropic }
guardrails:
  - { name: pii, type: generic_api, url: "http://127.0.0.1:8081", api_key: "\${GUARD}", modes: [pre_call, post_call], always: true }
  - { name: keys, type: pattern, modes: [pre_call], patterns: [{ name: aws, regex: "AKIA.{16}" }], builtin: [iban], action: mask }
tracing:
  ledger: { path: /data/l.db }
  destinations:
    - { name: langfuse, endpoint: "https://l.example/v1/traces?key=\${OTLP}", headers: { authorization: "\${OTLP}" }, compression: gzip }
`;

describe("a configuration as text", () => {
  test("shows where each route leads, and what happens on the way", () => {
    expect(describeConfig(configOf(text, { environment: secrets }))).toBe(`\
Listens on
  http://0.0.0.0:4000
  keys of team-a, team-b
  bodies up to 32MiB; 4 threads, 8192 calls each, 20000 waiting

POST /v1/chat/completions
  fast      ->  openai as gpt-4o-mini  key set
  claude-*  ->  anthropic              no key: the caller's is forwarded; speaks the anthropic format

POST /v1/messages
  fast      ->  openai as gpt-4o-mini  key set; speaks the openai format
  claude-*  ->  anthropic              no key: the caller's is forwarded

Other paths under /v1
  refused, for they would be a way round what always runs (pii)

Providers
  openai     openai     https://api.openai.com/v1  key set; timeout 10m, 2 retries
  anthropic  anthropic  https://api.anthropic.com  no key: the caller's is forwarded; timeout 90s, 1 retry

Guardrails
  pii   generic_api  always      pre_call, post_call  http://127.0.0.1:8081/; block on error, timeout 5s
  keys  pattern      on request  pre_call             mask iban, aws; block on error, timeout 5s

Traces
  ledger    /data/l.db                     kept 24h, up to 1GiB; on failure: serve
  langfuse  https://l.example/v1/traces?…  http/protobuf, dialect auto, gzip
  a reply waits for the ledger; content is not recorded
`);
  });

  test("holds no secret", () => {
    const described = describeConfig(configOf(text, { environment: secrets }));
    for (const secret of Object.values(secrets)) expect(described).not.toContain(secret);
    expect(described).not.toContain("k2");
  });

  test("says what an empty one comes to", () => {
    const described = describeConfig(configOf(""));
    expect(described).toContain("  no authentication (this machine only)\n");
    expect(described).toContain("  any model  ->  openai  no key: the caller's is forwarded\n");
    expect(described).toContain("  openai format     ->  openai\n");
    expect(described).toContain("Guardrails\n  none\n");
    expect(described).toContain("  no destination: the ledger alone\n");
  });

  test("is loud about a server without authentication", () => {
    const described = describeConfig(configOf("server: { host: 0.0.0.0, insecure: true }"));
    expect(described).toContain("  NO AUTHENTICATION (insecure: true)\n");
  });

  test("says so when no provider speaks a route's format", () => {
    const described = describeConfig(configOf("providers: { openai: {} }"));
    expect(described).toContain(
      "POST /v1/messages\n  no provider speaks the anthropic format; calls are answered 404\n",
    );
  });

  test("names what is out of the ordinary with traces and threads", () => {
    const described = describeConfig(
      configOf(
        "pool: { threads: 1, strict: true }\ntracing: { capture_content: true, reply_waits_for: export }",
      ),
    );
    expect(described).toContain("1 thread, one call at a time each");
    expect(described).toContain(
      "a reply waits for the export, up to 3s; content is recorded, up to 16384",
    );
    expect(describeConfig(configOf("tracing: { disabled: true }"))).toContain("Traces\n  off (");
  });
});

test.each([
  ["", "http://127.0.0.1:4000"],
  ["server: { host: '::1', port: 80 }", "http://[::1]:80"],
  ["server: { unix: /run/e.sock }", "unix:/run/e.sock"],
])("with %p it listens on %s", (config, address) => {
  expect(describeAddress(configOf(config))).toBe(address);
});
