// The section `providers` when the file has none: both public APIs. Pure; runs anywhere.
// OPENAI_BASE_URL and ANTHROPIC_BASE_URL are never read: on this machine they point at us.

import { variable } from "./environment.ts";
import type { Environment } from "./environment.ts";

/** As it could stand in the file; without a key in the environment the caller's is forwarded. */
export function defaultProviders(environment: Environment): Record<string, unknown> {
  return {
    openai: { api: "openai", ...apiKey(environment, "OPENAI_API_KEY") },
    anthropic: { api: "anthropic", ...apiKey(environment, "ANTHROPIC_API_KEY") },
  };
}

function apiKey(environment: Environment, name: string): { api_key?: string } {
  const key = variable(environment, name);
  return key === undefined ? {} : { api_key: key };
}
