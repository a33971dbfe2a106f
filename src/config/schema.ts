// The configuration as the rest of everyspan sees it, and the only home of its defaults.
// Runs anywhere: plain data. All is resolved here: milliseconds, bytes, absolute paths.

export type ApiFormat = "openai" | "anthropic";
export type GuardrailMode = "pre_call" | "during_call" | "post_call";

/** Sets of patterns that everyspan brings along. */
export const builtinPatterns = ["secrets", "email", "card_number", "iban"] as const;
export type BuiltinPattern = (typeof builtinPatterns)[number];

/** What a destination can be sent beyond the conventions; `auto` goes by its address. */
export const dialects = ["auto", "genai", "phoenix", "mlflow", "langfuse"] as const;

export const samplerKinds = [
  "parentbased_always_on",
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;
export type SamplerKind = (typeof samplerKinds)[number];

export interface Config {
  readonly server: ServerConfig;
  readonly pool: PoolConfig;
  readonly providers: readonly ProviderConfig[];
  /** Undefined: any model goes to the first provider whose format the route speaks. */
  readonly models: readonly ModelConfig[] | undefined;
  readonly guardrails: readonly GuardrailConfig[];
  readonly tracing: TracingConfig;
  readonly pricing: readonly PricingConfig[];
}

export interface ServerConfig {
  readonly host: string;
  /** 0 asks the system for a free one. */
  readonly port: number;
  /** Absolute path of a Unix socket; host and port do not count when it is set. */
  readonly unix: string | undefined;
  readonly insecure: boolean;
  readonly maxBodyBytes: number;
  readonly drainTimeoutMs: number;
  readonly exportOnExitMs: number;
  /** Empty: no authentication. */
  readonly keys: readonly { readonly name: string; readonly key: string }[];
}

export interface PoolConfig {
  readonly threads: number;
  readonly callsPerThread: number;
  readonly queue: number;
  readonly stallTimeoutMs: number;
  readonly strict: boolean;
}

export interface ProviderConfig {
  readonly name: string;
  readonly api: ApiFormat;
  /** Without a slash at the end. */
  readonly baseUrl: string;
  /** Undefined: the caller's own key is forwarded. */
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly retryBudgetMs: number;
  readonly concurrency: number;
  readonly streamUsage: boolean;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ModelConfig {
  /** As callers write it; `*` stands for any text. */
  readonly name: string;
  readonly provider: string;
  /** What the provider is asked for; undefined: the caller's name. */
  readonly model: string | undefined;
}

export interface GuardrailStreamConfig {
  readonly mode: "window" | "whole";
  readonly holdbackChars: number;
  readonly windowChars: number;
  readonly windowMs: number;
}

export interface GuardrailCommon {
  readonly name: string;
  /** At least one, none twice. */
  readonly modes: readonly GuardrailMode[];
  readonly always: boolean;
  readonly onError: "block" | "allow";
  readonly timeoutMs: number;
  readonly stream: GuardrailStreamConfig;
}

export interface GenericApiGuardrailConfig extends GuardrailCommon {
  readonly type: "generic_api";
  /** Without a slash at the end. */
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Names of the caller's headers to pass on, in lower case. */
  readonly forwardHeaders: readonly string[];
  readonly additionalProviderSpecificParams: Readonly<Record<string, unknown>>;
  /** When nobody answers at `url`; as `onError` unless configured. */
  readonly unreachable: "block" | "allow";
}

export interface PatternGuardrailConfig extends GuardrailCommon {
  readonly type: "pattern";
  /** Each compiles with `new RegExp(regex)` and does not match the empty text. */
  readonly patterns: readonly { readonly name: string; readonly regex: string }[];
  readonly builtin: readonly BuiltinPattern[];
  readonly action: "block" | "mask";
}

export interface ModuleGuardrailConfig extends GuardrailCommon {
  readonly type: "module";
  /** Absolute. */
  readonly path: string;
}

export type GuardrailConfig =
  | GenericApiGuardrailConfig
  | PatternGuardrailConfig
  | ModuleGuardrailConfig;

export interface TracingConfig {
  readonly captureContent: boolean;
  readonly contentLimitChars: number;
  readonly replyWaitsFor: "commit" | "export" | "nothing";
  /** How long a reply waits under `export`. */
  readonly exportWaitMs: number;
  readonly ledger: LedgerConfig;
  readonly destinations: readonly DestinationConfig[];
  /** How long a committed call may wait for company before it is exported. */
  readonly exportDelayMs: number;
  /** Calls in one request to a destination. */
  readonly maxExportBatch: number;
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: { readonly kind: SamplerKind; readonly ratio: number };
  readonly disabled: boolean;
}

export interface LedgerConfig {
  /** Absolute. */
  readonly path: string;
  readonly retentionMs: number;
  readonly maxSizeBytes: number;
  readonly onFailure: "serve" | "refuse";
  readonly commitTimeoutMs: number;
  /** What a committed call survives: the end of the process, or of the machine's power. */
  readonly durability: "process" | "power";
}

export interface DestinationConfig {
  readonly name: string;
  /** The whole address, `/v1/traces` included. */
  readonly endpoint: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: "http/protobuf" | "http/json";
  readonly compression: "gzip" | "none";
  readonly timeoutMs: number;
  /** One of `dialects`. */
  readonly dialect: string;
  readonly backfill: boolean;
  readonly cutParent: boolean;
  /** Longest attribute value in bytes; undefined: no limit. */
  readonly attributeLimit: number | undefined;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** USD per million tokens; what is undefined keeps the price list's figure. */
export interface PricingConfig {
  readonly model: string;
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cachedInput: number | undefined;
  readonly cacheWrite: number | undefined;
}

/** Every default, written as it would be in the file. */
export const defaults = {
  server: {
    host: "127.0.0.1",
    port: 4000,
    insecure: false,
    max_body: "32MiB",
    drain_timeout: "20s",
    export_on_exit: "5s",
  },
  pool: {
    threads: "auto",
    calls_per_thread: 8192,
    queue: 20000,
    stall_timeout: "5s",
    strict: false,
  },
  base_urls: { openai: "https://api.openai.com/v1", anthropic: "https://api.anthropic.com" },
  provider: {
    timeout: "600s",
    retries: 2,
    retry_budget: "60s",
    concurrency: 10000,
    stream_usage: true,
  },
  guardrail: {
    always: false,
    on_error: "block",
    timeout: "5s",
    action: "block",
    stream: "window",
    holdback: 64,
    window_size: 256,
    window_time: "50ms",
  },
  tracing: {
    capture_content: false,
    content_limit: 16384,
    reply_waits_for: "commit",
    export_wait: "3s",
    export_delay: "50ms",
    max_export_batch: 512,
    disabled: false,
  },
  sampler: { kind: "parentbased_always_on", ratio: 1 },
  resource: { "service.name": "everyspan" },
  ledger: {
    path: "./everyspan-data/ledger.db",
    retention: "24h",
    max_size: "1GiB",
    on_failure: "serve",
    commit_timeout: "2s",
    durability: "process",
  },
  destination: {
    protocol: "http/protobuf",
    compression: "none",
    timeout: "30s",
    dialect: "auto",
    backfill: false,
    cut_parent: false,
  },
  /** The destination that comes from `OTEL_EXPORTER_OTLP_*`: the specification's timeout. */
  otlp: { timeout: "10s" },
} as const;
