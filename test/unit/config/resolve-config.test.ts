import { describe, expect, test } from "bun:test";
import { configOf, problemsOf, resolveText, warningsOf } from "./resolve-text.ts";

describe("without a file", () => {
  test("everything has a value", () => {
    expect(configOf("")).toEqual({
      server: {
        host: "127.0.0.1",
        port: 4000,
        unix: undefined,
        insecure: false,
        maxBodyBytes: 33_554_432,
        drainTimeoutMs: 20_000,
        exportOnExitMs: 5000,
        keys: [],
      },
      pool: {
        threads: 4,
        callsPerThread: 8192,
        queue: 20_000,
        stallTimeoutMs: 5000,
        strict: false,
      },
      providers: (["openai", "anthropic"] as const).map((api) => ({
        name: api,
        api,
        baseUrl: { openai: "https://api.openai.com/v1", anthropic: "https://api.anthropic.com" }[
          api
        ],
        apiKey: undefined,
        timeoutMs: 600_000,
        retries: 2,
        retryBudgetMs: 60_000,
        concurrency: 10_000,
        streamUsage: true,
        headers: {},
      })),
      models: undefined,
      guardrails: [],
      tracing: {
        captureContent: false,
        contentLimitChars: 16_384,
        replyWaitsFor: "commit",
        exportWaitMs: 3000,
        ledger: {
          path: "/srv/everyspan-data/ledger.db",
          retentionMs: 86_400_000,
          maxSizeBytes: 1_073_741_824,
          onFailure: "serve",
          commitTimeoutMs: 2000,
          durability: "process",
        },
        destinations: [],
        exportDelayMs: 50,
        maxExportBatch: 512,
        resource: { "service.name": "everyspan" },
        sampler: { kind: "parentbased_always_on", ratio: 1 },
        disabled: false,
      },
      pricing: [],
    });
  });

  test("the providers' keys come from the environment, their addresses never", () => {
    const environment = {
      OPENAI_API_KEY: "sk-o\n",
      OPENAI_BASE_URL: "http://127.0.0.1:4000/v1",
      ANTHROPIC_BASE_URL: "http://127.0.0.1:4000",
      ANTHROPIC_API_KEY: "",
    };
    const { providers } = configOf("", { environment });
    expect(providers.map(({ apiKey, baseUrl }) => ({ apiKey, baseUrl }))).toEqual([
      { apiKey: "sk-o", baseUrl: "https://api.openai.com/v1" },
      { apiKey: undefined, baseUrl: "https://api.anthropic.com" },
    ]);
  });

  test("a key that cannot be sent is reported by its variable, not by its value", () => {
    expect(problemsOf("", { environment: { OPENAI_API_KEY: "sk two" } })).toEqual([
      "OPENAI_API_KEY: must be printable ASCII without white space",
    ]);
  });
});

describe("a file", () => {
  test("without providers gets the two public ones with their keys", () => {
    const config = configOf("server: { port: 1 }", { environment: { OPENAI_API_KEY: "sk-o" } });
    expect(config.providers.map(({ name, apiKey }) => [name, apiKey])).toEqual([
      ["openai", "sk-o"],
      ["anthropic", undefined],
    ]);
  });

  test("with providers has those alone, and no key but what it says", () => {
    const environment = { OPENAI_API_KEY: "sk-o" };
    const config = configOf("providers: { openai: { retries: 0 } }", { environment });
    expect(config.providers).toHaveLength(1);
    expect(config.providers[0]).toMatchObject({ name: "openai", retries: 0, apiKey: undefined });
  });

  test("may name sections and write nothing in them", () => {
    const text =
      "server:\npool:\nproviders:\n  openai:\nmodels:\nguardrails:\ntracing:\npricing:\n";
    const { providers, ...rest } = configOf(text);
    const { providers: _, ...expected } = configOf("");
    expect(rest).toEqual(expected);
    expect(providers.map(({ name }) => name)).toEqual(["openai"]);
  });

  test("wins over the environment, key by key", () => {
    const environment = {
      OTEL_SERVICE_NAME: "env",
      OTEL_RESOURCE_ATTRIBUTES: "team=a,deployment.environment.name=prod",
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_TRACES_SAMPLER: "always_off",
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "span_only",
      OTEL_SDK_DISABLED: "true",
    };
    expect(configOf("", { environment }).tracing).toMatchObject({
      resource: { "service.name": "env", team: "a", "deployment.environment.name": "prod" },
      exportDelayMs: 100,
      sampler: { kind: "always_off", ratio: 1 },
      captureContent: true,
      disabled: true,
    });
    const text = `
tracing:
  resource: { team: b }
  export_delay: 10ms
  sampler: { kind: traceidratio, ratio: 0.5 }
  capture_content: false
  disabled: false
  ledger:
  max_export_batch:
`;
    expect(configOf(text, { environment }).tracing).toMatchObject({
      resource: { "service.name": "env", team: "b", "deployment.environment.name": "prod" },
      exportDelayMs: 10,
      sampler: { kind: "traceidratio", ratio: 0.5 },
      captureContent: false,
      disabled: false,
      maxExportBatch: 512,
    });
  });

  test("that names destinations, even none, silences OTEL_EXPORTER_OTLP_*", () => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" };
    expect(configOf("", { environment }).tracing.destinations).toHaveLength(1);
    expect(configOf("tracing: { destinations: [] }", { environment }).tracing.destinations).toEqual(
      [],
    );
    const named = 'tracing: { destinations: [{ name: a, endpoint: "http://a/v1/traces" }] }';
    expect(configOf(named, { environment }).tracing.destinations.map(({ name }) => name)).toEqual([
      "a",
    ]);
  });

  test("may give numbers and flags by the environment", () => {
    const text = 'server: { port: "${PORT}", insecure: "${OPEN:-false}", drain_timeout: "${T}" }';
    expect(configOf(text, { environment: { PORT: "81", T: "3s" } }).server).toMatchObject({
      port: 81,
      insecure: false,
      drainTimeoutMs: 3000,
    });
  });
});

describe("problems", () => {
  test("are all reported at once, section by section as the file has them", () => {
    const text = `
providers:
  openai: { tiemout: 10s, retries: -1 }
servr: {}
models:
  - { name: fast, provider: opnai }
  - { nmae: x, provider: openai }
server:
  port: 99999
  max_body: 32
  keys: [{ name: a, key: "\${NOPE}" }]
`;
    expect(problemsOf(text)).toEqual([
      "providers.openai.retries: must be a whole number from 0 to 20 (got -1)",
      "providers.openai.tiemout: unknown key; did you mean timeout?",
      "servr: unknown key; did you mean server?",
      "models[1].name: is missing; it must be text",
      "models[1].nmae: unknown key; did you mean name?",
      "models[0].provider: there is no provider of this name; did you mean openai?",
      "server.keys[0].key: the environment variable NOPE is not set; set it, or write ${NOPE:-default}",
      "server.port: must be a whole number from 0 to 65535 (got 99999)",
      "server.max_body: must be a size such as 512KiB, 32MiB, 2GiB or 1MB: add a unit, 32MiB or 32B (got 32)",
    ]);
  });

  test("of an unset variable are one line, not also a missing value", () => {
    expect(problemsOf('providers: { openai: { base_url: "${X}", api_key: "${Y}" } }')).toEqual([
      "providers.openai.base_url: the environment variable X is not set; set it, or write ${X:-default}",
      "providers.openai.api_key: the environment variable Y is not set; set it, or write ${Y:-default}",
    ]);
  });

  test("with sections of the wrong shape stand beside the others", () => {
    const text =
      "server: []\npool: 5\nproviders: [a]\nmodels: {}\nguardrails: x\ntracing: y\npricing: 1\n";
    expect(problemsOf(text)).toEqual([
      "server: must be a mapping of keys to values",
      "pool: must be a mapping of keys to values",
      "providers: must be a mapping of keys to values",
      "models: must be a list of models",
      "guardrails: must be a list of guardrails",
      "tracing: must be a mapping of keys to values",
      "pricing: must be a list of prices",
    ]);
  });

  test("never hold a secret, wherever it was put", () => {
    const text = `
server:
  host: "\${SECRET}\\u0001"
  unix: 5
  keys:
    - sk-secret-1
    - { name: a, key: "sk-secret-2 x" }
    - { name: b, key: sk-secret-3 }
    - { name: c, key: sk-secret-3 }
    - { sk-secret-4: a }
providers:
  openai:
    api: "\${SECRET}"
    api_key: "sk-secret-5 x"
    base_url: https://user:sk-secret-6@api.example
    headers: { authorization: "Bearer sk-secret-7 é", Authorization: "sk-secret-8" }
    timeout: "\${SECRET}"
    retries: "\${SECRET}"
    stream_usage: "\${SECRET}"
models: [{ name: a, provider: "\${SECRET}" }]
guardrails:
  - { name: "x \${SECRET}", type: "\${SECRET}" }
  - { name: y, type: pattern, modes: [pre_call], patterns: [{ name: z, regex: "sk-secret-9(" }] }
tracing:
  ledger: { max_size: "\${SECRET}" }
  destinations:
    - { name: "\${SECRET} x", endpoint: "\${SECRET}", headers: { "x: sk-secret": y }, dialect: "\${SECRET}" }
`;
    const lines = problemsOf(text, { environment: { SECRET: "sk-secret-0" } });
    expect(lines.length).toBeGreaterThan(15);
    // A header's name is shown; that one only proves the test would notice.
    const told = lines.filter((line) => !line.includes('headers["x: sk-secret"]'));
    expect(told.filter((line) => line.includes("secret"))).toEqual([]);
    expect(lines.length - told.length).toBe(1);
  });

  test("are one line each", () => {
    const lines = problemsOf('server: { host: "a\\nb", port: "1\\n2" }\n"x\\ny": 1\n');
    expect(lines).toHaveLength(3);
    expect(lines.filter((line) => line.includes("\n"))).toEqual([]);
  });
});

describe("warnings", () => {
  test("come from the environment and from what is probably not meant", () => {
    const environment = { OTEL_TRACES_SAMPLER: "sometimes", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    expect(warningsOf("", { environment })).toEqual([
      "OTEL_TRACES_SAMPLER must be one of parentbased_always_on, always_on, always_off, " +
        "traceidratio, parentbased_always_off, parentbased_traceidratio; it is ignored",
    ]);
  });

  test("do not stand in the way", () => {
    const text = 'tracing: { destinations: [{ name: a, endpoint: "http://localhost:4318" }] }';
    const resolved = resolveText(text);
    expect(resolved.ok && resolved.warnings).toEqual([
      "the endpoint of destination a has no path and is used as it is; most take traces at /v1/traces",
    ]);
  });
});
