// Tests: a guardrail made ready, without a configuration file.

import type { GuardrailConfig } from "../../src/config/schema.ts";
import type { Guardrail } from "../../src/workers/guardrails/guardrail.ts";
import type { ReadyGuardrail } from "../../src/workers/guardrail-table.ts";

export function readyGuardrail(given: {
  readonly check: Guardrail;
  readonly name?: string;
  readonly timeoutMs?: number;
  readonly onError?: "block" | "allow";
  readonly modes?: GuardrailConfig["modes"];
  readonly type?: "pattern" | "module";
}): ReadyGuardrail {
  const {
    check,
    name = "guard",
    timeoutMs = 1000,
    onError = "block",
    modes = ["pre_call"],
  } = given;
  const stream = { mode: "window", holdbackChars: 16, windowChars: 32, windowMs: 5 } as const;
  const common = { name, modes, always: false, onError, timeoutMs, stream };
  const config: GuardrailConfig =
    given.type === "module"
      ? { ...common, type: "module", path: "/nowhere.ts" }
      : { ...common, type: "pattern", patterns: [], builtin: [], action: "block" };
  return { config, check, holdbackChars: stream.holdbackChars, remote: undefined };
}
