// Which provider serves a call, and what it calls the model. Pure.

import type { Config, ModelConfig, ProviderConfig } from "../config/schema.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { Api } from "./routes.ts";

export interface Resolved {
  readonly provider: ProviderConfig;
  /** The model's name there, empty where it is the one the caller wrote. */
  readonly providerModel: string;
}

/**
 * The provider of a generating call, or of one that counts its tokens. With a `models` list only what is on
 * it exists: an exact name wins over a wildcard, a longer wildcard over a shorter one. Without a list any
 * model goes to the provider whose format the route speaks.
 *
 * @throws GatewayError `model_not_found`, or `invalid_request` where the formats would have to be crossed
 */
export function resolveModel(config: Config, api: Api, model: string): Resolved {
  if (config.models === undefined) return { provider: providerFor(config, api), providerModel: "" };
  const entry = findModel(config.models, model);
  if (entry === undefined) {
    throw new GatewayError("model_not_found", `the model ${quoteModel(model)} does not exist here`);
  }
  const provider = config.providers.find(({ name }) => name === entry.provider);
  if (provider === undefined) throw new Error(`no provider ${entry.provider}`);
  if (provider.api !== api) {
    throw new GatewayError(
      "invalid_request",
      `the model ${quoteModel(model)} is served by ${provider.name}, which speaks the ${provider.api} ` +
        `format: call it on ${provider.api === "openai" ? "/v1/chat/completions" : "/v1/messages"}`,
    );
  }
  const name = entry.model ?? model;
  return { provider, providerModel: name === model ? "" : name };
}

/**
 * The provider of a path that everyspan only forwards: the model's own when the body names a configured
 * one, else the first of the route's format.
 */
export function resolveForward(config: Config, api: Api, model: string | undefined): Resolved {
  const entry = model === undefined ? undefined : findModel(config.models ?? [], model);
  const provider = config.providers.find(({ name }) => name === entry?.provider);
  if (entry === undefined || model === undefined || provider?.api !== api) {
    return { provider: providerFor(config, api), providerModel: "" };
  }
  return { provider, providerModel: entry.model === model ? "" : (entry.model ?? "") };
}

/** The list entry for a model's name. */
export function findModel(models: readonly ModelConfig[], model: string): ModelConfig | undefined {
  let found: ModelConfig | undefined;
  for (const entry of models) {
    if (entry.name === model) return entry;
    const longer = found === undefined || entry.name.length > found.name.length;
    if (longer && matchesPattern(entry.name, model)) found = entry;
  }
  return found;
}

/** Whether a name with `*` in it covers a model. */
export function matchesPattern(pattern: string, model: string): boolean {
  if (!pattern.includes("*")) return pattern === model;
  const [first = "", ...rest] = pattern.split("*");
  if (!model.startsWith(first)) return false;
  let from = first.length;
  const last = rest.pop() ?? "";
  for (const piece of rest) {
    const at = model.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return model.length - last.length >= from && model.endsWith(last);
}

function providerFor(config: Config, api: Api): ProviderConfig {
  const provider = config.providers.find((candidate) => candidate.api === api);
  if (provider !== undefined) return provider;
  throw new GatewayError("not_found", `no provider with the ${api} format is configured`);
}

/** A model's name may be shown; not at any length, and not with control characters. */
function quoteModel(model: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed
  const clean = model.replace(/[\x00-\x1f\x7f]/g, "").slice(0, 100);
  return `\`${clean}\``;
}
