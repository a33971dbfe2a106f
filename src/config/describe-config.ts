// A resolved configuration as text for a person. Pure; runs anywhere.
// No key, header value or query of an address is ever in it.

import { isLoopback } from "./cross-checks.ts";
import { formatDuration } from "./durations.ts";
import type { ApiFormat, Config, GuardrailConfig, ModelConfig, ProviderConfig } from "./schema.ts";
import { formatSize } from "./sizes.ts";

const routes: readonly { readonly path: string; readonly api: ApiFormat }[] = [
  { path: "/v1/chat/completions", api: "openai" },
  { path: "/v1/messages", api: "anthropic" },
];

/** Sections of aligned lines, with an end of line after the last. */
export function describeConfig(config: Config): string {
  const sections = [
    section("Listens on", describeServer(config)),
    ...routes.map(({ path, api }) => section(`POST ${path}`, describeRoute(config, api))),
    section("Other paths under /v1", describePassThrough(config)),
    section("Providers", config.providers.map(describeProvider)),
    section("Guardrails", config.guardrails.map(describeGuardrail)),
    section("Traces", describeTracing(config)),
  ];
  return `${sections.join("\n\n")}\n`;
}

/** Where the server listens, as an address a person can use. */
export function describeAddress({ server }: Config): string {
  if (server.unix !== undefined) return `unix:${server.unix}`;
  const host = server.host.includes(":") ? `[${server.host}]` : server.host;
  return `http://${host}:${server.port}`;
}

function section(title: string, rows: readonly (readonly string[])[]): string {
  const body = rows.length === 0 ? [["none"]] : rows;
  const widths: number[] = [];
  for (const row of body) {
    row.forEach((cell, column) => {
      // The last cell of a row may be as long as it likes.
      const width = column === row.length - 1 ? 0 : cell.length;
      widths[column] = Math.max(widths[column] ?? 0, width);
    });
  }
  const lines = body.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
  );
  return [title, ...lines].join("\n");
}

function describeServer(config: Config): string[][] {
  const { server, pool } = config;
  const local = server.unix !== undefined || isLoopback(server.host);
  const open = local
    ? "no authentication (this machine only)"
    : "NO AUTHENTICATION (insecure: true)";
  const names = server.keys.map((key) => key.name).join(", ");
  const limit = `bodies up to ${formatSize(server.maxBodyBytes)}`;
  const threads = pool.threads === 1 ? "1 thread" : `${pool.threads} threads`;
  const calls = pool.strict ? "one call at a time each" : `${pool.callsPerThread} calls each`;
  return [
    [describeAddress(config)],
    [server.keys.length === 0 ? open : `keys of ${names}`],
    [`${limit}; ${threads}, ${calls}, ${pool.queue} waiting`],
  ];
}

function describeRoute(config: Config, api: ApiFormat): string[][] {
  if (config.models === undefined) {
    const provider = config.providers.find((candidate) => candidate.api === api);
    return provider === undefined
      ? [[`no provider speaks the ${api} format; calls are answered 404`]]
      : [["any model", "->", provider.name, keyState(provider)]];
  }
  return config.models.map((model) => describeModel(config, api, model));
}

function describeModel(config: Config, api: ApiFormat, model: ModelConfig): string[] {
  const provider = config.providers.find(({ name }) => name === model.provider);
  if (provider === undefined) return [model.name, "->", model.provider, "not configured"];
  const renamed = model.model === undefined ? "" : ` as ${model.model}`;
  const crossing = provider.api === api ? "" : `; speaks the ${provider.api} format`;
  return [model.name, "->", `${provider.name}${renamed}`, `${keyState(provider)}${crossing}`];
}

function describePassThrough(config: Config): string[][] {
  const always = config.guardrails.filter((guardrail) => guardrail.always);
  if (always.length > 0) {
    const names = always.map(({ name }) => name).join(", ");
    return [[`refused, for they would be a way round what always runs (${names})`]];
  }
  return routes.flatMap(({ api }) => {
    const provider = config.providers.find((candidate) => candidate.api === api);
    return provider === undefined ? [] : [[`${api} format`, "->", provider.name]];
  });
}

function describeProvider(provider: ProviderConfig): string[] {
  const retries = provider.retries === 1 ? "1 retry" : `${provider.retries} retries`;
  const limits = `timeout ${formatDuration(provider.timeoutMs)}, ${retries}`;
  return [provider.name, provider.api, provider.baseUrl, `${keyState(provider)}; ${limits}`];
}

function keyState(provider: ProviderConfig): string {
  return provider.apiKey === undefined ? "no key: the caller's is forwarded" : "key set";
}

function describeGuardrail(guardrail: GuardrailConfig): string[] {
  const when = guardrail.always ? "always" : "on request";
  const modes = guardrail.modes.join(", ");
  return [guardrail.name, guardrail.type, when, modes, describeAim(guardrail)];
}

function describeAim(guardrail: GuardrailConfig): string {
  const limits = `${guardrail.onError} on error, timeout ${formatDuration(guardrail.timeoutMs)}`;
  if (guardrail.type === "generic_api") return `${withoutQuery(guardrail.url)}; ${limits}`;
  if (guardrail.type === "module") return `${guardrail.path}; ${limits}`;
  const names = [...guardrail.builtin, ...guardrail.patterns.map((pattern) => pattern.name)];
  return `${guardrail.action} ${names.join(", ")}; ${limits}`;
}

function describeTracing({ tracing }: Config): string[][] {
  if (tracing.disabled) return [["off (OTEL_SDK_DISABLED, or tracing.disabled)"]];
  const { ledger } = tracing;
  const keeps = `kept ${formatDuration(ledger.retentionMs)}, up to ${formatSize(ledger.maxSizeBytes)}`;
  const content = tracing.captureContent
    ? `content is recorded, up to ${tracing.contentLimitChars} characters`
    : "content is not recorded";
  const waits = {
    commit: "a reply waits for the ledger",
    export: `a reply waits for the export, up to ${formatDuration(tracing.exportWaitMs)}`,
    nothing: "a reply waits for nothing",
  }[tracing.replyWaitsFor];
  return [
    ["ledger", ledger.path, `${keeps}; on failure: ${ledger.onFailure}`],
    ...tracing.destinations.map((destination) => {
      const how = `${destination.protocol}, dialect ${destination.dialect}`;
      const packed = destination.compression === "gzip" ? ", gzip" : "";
      return [destination.name, withoutQuery(destination.endpoint), `${how}${packed}`];
    }),
    ...(tracing.destinations.length === 0 ? [["no destination: the ledger alone"]] : []),
    [`${waits}; ${content}`],
  ];
}

/** A query may hold a key. */
function withoutQuery(address: string): string {
  const url = new URL(address);
  return `${url.origin}${url.pathname}${url.search === "" ? "" : "?…"}`;
}
