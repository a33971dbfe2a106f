// A configured provider as a worker uses it: what can be known of its address is worked out once, at the
// thread's start, and not per call. Pure.

import type { ProviderConfig } from "../config/schema.ts";

export interface Upstream extends ProviderConfig {
  readonly hostname: string;
  readonly port: number;
  /** `gen_ai.provider.name`. */
  readonly wellKnownName: string;
}

export function createUpstreams(providers: readonly ProviderConfig[]): Map<string, Upstream> {
  return new Map(
    providers.map((provider) => {
      const url = new URL(provider.baseUrl);
      const { hostname } = url;
      const wellKnownName = providerNameOf(provider.api, hostname);
      return [provider.name, { ...provider, hostname, port: portOf(url), wellKnownName }];
    }),
  );
}

export function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}

/** The well-known name of a public host, else that of the wire format. */
export function providerNameOf(api: "openai" | "anthropic", hostname: string): string {
  for (const [suffix, name] of wellKnownHosts) {
    if (hostname === suffix || hostname.endsWith(`.${suffix}`)) return name;
  }
  return api;
}

const wellKnownHosts: readonly (readonly [string, string])[] = [
  ["openai.azure.com", "azure.ai.openai"],
  ["api.groq.com", "groq"],
  ["api.deepseek.com", "deepseek"],
  ["api.mistral.ai", "mistral_ai"],
  ["api.perplexity.ai", "perplexity"],
  ["api.x.ai", "x_ai"],
  ["api.cohere.com", "cohere"],
  ["api.moonshot.ai", "moonshot_ai"],
  ["generativelanguage.googleapis.com", "gcp.gemini"],
  ["aiplatform.googleapis.com", "gcp.vertex_ai"],
];
