// `GET /v1/models` where a `models` list is configured: its names and, for wildcards, what the provider
// lists, filtered by the pattern. In the shape of the API that asks. Pure: the asking is done elsewhere.

import type { Config, ModelConfig } from "../config/schema.ts";
import { matchesPattern } from "./resolve-model.ts";
import type { Api } from "./routes.ts";

/** One entry as a provider has it, or made from a configured name. */
export type ListedModel = Readonly<Record<string, unknown>> & { readonly id: string };

/** The configured models that can be called on an API: those whose provider speaks its format. */
export function modelsOf(config: Config, api: Api): readonly ModelConfig[] {
  const speaking = new Set(
    config.providers.filter((provider) => provider.api === api).map(({ name }) => name),
  );
  return (config.models ?? []).filter(({ provider }) => speaking.has(provider));
}

/** The providers that have to be asked, because a name of theirs has a wildcard. */
export function providersToAsk(models: readonly ModelConfig[]): readonly string[] {
  const wild = models.filter(({ name }) => name.includes("*"));
  return [...new Set(wild.map(({ provider }) => provider))];
}

/** The entries of a provider's own list, whatever else is beside them. */
export function readModelList(body: string): ListedModel[] {
  let data: unknown;
  try {
    data = (JSON.parse(body) as { data?: unknown } | null)?.data;
  } catch {
    return []; // the caller says that the list could not be had
  }
  if (!Array.isArray(data)) return [];
  return data.filter(
    (entry: unknown): entry is ListedModel =>
      typeof (entry as { id?: unknown } | null)?.id === "string",
  );
}

/** The whole list: exact names first, in the order of the configuration, each id once. */
export function mergeModels(
  models: readonly ModelConfig[],
  listed: ReadonlyMap<string, readonly ListedModel[]>,
  api: Api,
): ListedModel[] {
  const merged = new Map<string, ListedModel>();
  const isWild = ({ name }: ModelConfig): boolean => name.includes("*");
  for (const { name, provider } of models.filter((model) => !isWild(model))) {
    const own = listed.get(provider)?.find(({ id }) => id === name);
    merged.set(name, own ?? configuredModel(name, provider, api));
  }
  for (const { name, provider } of models.filter(isWild)) {
    for (const entry of listed.get(provider) ?? []) {
      if (matchesPattern(name, entry.id) && !merged.has(entry.id)) merged.set(entry.id, entry);
    }
  }
  return [...merged.values()];
}

/** The reply's body in OpenAI's or Anthropic's shape. */
export function modelListBody(models: readonly ListedModel[], api: Api): string {
  if (api === "openai") return JSON.stringify({ object: "list", data: models });
  return JSON.stringify({
    data: models,
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  });
}

function configuredModel(name: string, provider: string, api: Api): ListedModel {
  if (api === "openai") return { id: name, object: "model", created: 0, owned_by: provider };
  return { type: "model", id: name, display_name: name, created_at: "1970-01-01T00:00:00Z" };
}
