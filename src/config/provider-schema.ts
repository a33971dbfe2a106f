// The sections `providers`, `models` and `pricing` of the file. Pure; runs anywhere.

import * as v from "valibot";
import { closedObject, isMapping } from "./closed-object.ts";
import { defaults } from "./schema.ts";
import type { ApiFormat, ModelConfig, PricingConfig, ProviderConfig } from "./schema.ts";
import { baseUrl, headers, isName, mapping, secret, text } from "./text-schemas.ts";
import { decimal, duration, flag, integer, oneOf } from "./value-schemas.ts";
import type { Schema } from "./value-schemas.ts";

const apiFormats: readonly ApiFormat[] = ["openai", "anthropic"];
const usdPerMillionMax = 1_000_000;

/** A mapping of names to providers, in the order of the file. */
export function providersSchema(): Schema<readonly ProviderConfig[]> {
  return v.pipe(
    mapping(),
    // `openai: {…}` and `anthropic: {…}` need not say which API they speak.
    v.transform((written) =>
      Object.fromEntries(
        Object.entries(written).map(([name, provider]) => [name, withApi(name, provider)]),
      ),
    ),
    v.record(
      v.pipe(
        v.string(),
        v.check(isName, "must be named with letters, digits, dots, hyphens and underscores"),
      ),
      providerSchema(),
    ),
    v.transform((providers) =>
      Object.entries(providers).map(([name, provider]) => ({ name, ...provider })),
    ),
    v.check((providers) => providers.length > 0, "must hold at least one provider, or be left out"),
  );
}

function withApi(name: string, provider: unknown): unknown {
  const implied = apiFormats.find((api) => api === name);
  const section = provider ?? {};
  return implied !== undefined && isMapping(section) ? { api: implied, ...section } : provider;
}

function providerSchema(): Schema<Omit<ProviderConfig, "name">> {
  const own = defaults.provider;
  return v.pipe(
    closedObject({
      api: oneOf(apiFormats),
      base_url: v.optional(baseUrl()),
      api_key: v.optional(secret()),
      timeout: v.optional(duration({ min: 1 }), own.timeout),
      retries: v.optional(integer(0, 20), own.retries),
      retry_budget: v.optional(duration(), own.retry_budget),
      concurrency: v.optional(integer(1, 1_000_000), own.concurrency),
      stream_usage: v.optional(flag(), own.stream_usage),
      headers: v.optional(headers(), {}),
    }),
    v.transform((section) => ({
      api: section.api,
      baseUrl: section.base_url ?? defaults.base_urls[section.api],
      apiKey: section.api_key,
      timeoutMs: section.timeout,
      retries: section.retries,
      retryBudgetMs: section.retry_budget,
      concurrency: section.concurrency,
      streamUsage: section.stream_usage,
      headers: section.headers,
    })),
  );
}

export function modelsSchema(): Schema<readonly ModelConfig[]> {
  const entry = v.pipe(
    closedObject({ name: text(), provider: text(), model: v.optional(text()) }),
    v.transform(({ name, provider, model }) => ({ name, provider, model })),
  );
  return v.pipe(
    v.array(entry, "must be a list of models"),
    v.nonEmpty("must hold at least one model; for any model, leave models out"),
  );
}

export function pricingSchema(): Schema<readonly PricingConfig[]> {
  const price = () => v.optional(decimal(0, usdPerMillionMax));
  const pricing = v.pipe(
    closedObject({
      model: text(),
      input: price(),
      output: price(),
      cached_input: price(),
      cache_write: price(),
    }),
    v.transform((section) => ({
      model: section.model,
      input: section.input,
      output: section.output,
      cachedInput: section.cached_input,
      cacheWrite: section.cache_write,
    })),
  );
  return v.array(pricing, "must be a list of prices");
}
