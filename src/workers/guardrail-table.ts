// The guardrails of the configuration, made ready once per worker thread: which file makes which kind.

import type { GuardrailConfig } from "../config/schema.ts";
import { createGenericApiGuardrail } from "./guardrails/generic-api.ts";
import type { Guardrail } from "./guardrails/guardrail.ts";
import { createModuleGuardrail } from "./guardrails/module-guardrail.ts";
import { createPatternGuardrail, longestLiteral } from "./guardrails/pattern.ts";

/** A guardrail and what the configuration says of it. */
export interface ReadyGuardrail {
  readonly config: GuardrailConfig;
  readonly check: Guardrail;
  /** How far the release of a stream trails its checks. */
  readonly holdbackChars: number;
  /** Where it is asked, when that is another process. */
  readonly remote: URL | undefined;
}

export interface GuardrailTableDeps {
  readonly fetch: typeof fetch;
  readonly nowMs: () => number;
  /** Imports a file by its absolute path. */
  readonly load: (path: string) => Promise<unknown>;
}

/** By name, in the order of the configuration. Modules begin to load at once. */
export function createGuardrailTable(
  configs: readonly GuardrailConfig[],
  deps: GuardrailTableDeps,
): ReadonlyMap<string, ReadyGuardrail> {
  return new Map(configs.map((config) => [config.name, makeReady(config, deps)]));
}

function makeReady(config: GuardrailConfig, deps: GuardrailTableDeps): ReadyGuardrail {
  const { holdbackChars } = config.stream;
  const local = { config, holdbackChars, remote: undefined };
  switch (config.type) {
    case "generic_api":
      return {
        ...local,
        check: createGenericApiGuardrail(config, deps.fetch),
        remote: new URL(config.url),
      };
    case "pattern": {
      const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
      return {
        ...local,
        check: createPatternGuardrail(config, { nowMs: deps.nowMs, breathe }),
        holdbackChars: Math.max(holdbackChars, longestLiteral(config)),
      };
    }
    case "module": {
      const sayThrown = (what: string): void =>
        console.warn(`warning: the module of guardrail ${config.name} threw ${what}`);
      return { ...local, check: createModuleGuardrail(deps.load(config.path), sayThrown) };
    }
  }
}
