// Which guardrails a call runs: those that always do, and those that the caller names. A caller adds, and
// never removes; a name that is not known is refused, for the caller counts on being guarded. Pure.

import { readGuardrailChoices } from "../apischema/guardrail-names.ts";
import type { Config } from "../config/schema.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { GuardrailChoice, RouteName } from "../protocol/call-task.ts";

/**
 * The choice, in the order of the configuration. `header`: what `x-everyspan-guardrails`
 * says, names with commas between. `field`: LiteLLM's body field, undefined when absent.
 *
 * @throws GatewayError `invalid_request` for an unknown name, or for a path whose texts nobody can find
 */
export function selectGuardrails(
  config: Pick<Config, "guardrails">,
  {
    route,
    header,
    field,
  }: {
    readonly route: RouteName;
    readonly header: string | null;
    readonly field: unknown;
  },
): readonly GuardrailChoice[] {
  const named = namedByCaller(header, field);
  const known = config.guardrails;
  for (const name of named.keys()) {
    if (known.every((guardrail) => guardrail.name !== name)) throw unknownName(name, known);
  }
  const chosen = known.filter(({ name, always }) => always || named.has(name));
  if (route === "models" || chosen.length === 0) return [];
  if (route === "forward") throw unguarded(chosen.map(({ name }) => name));
  return chosen.map(({ name }) => ({ name, extra: named.get(name) ?? {} }));
}

function namedByCaller(
  header: string | null,
  field: unknown,
): Map<string, GuardrailChoice["extra"]> {
  const inBody =
    field === undefined ? new Map<string, GuardrailChoice["extra"]>() : readGuardrailChoices(field);
  if (inBody === undefined) {
    throw new GatewayError("invalid_request", "`guardrails` must be a list of names");
  }
  for (const name of (header ?? "").split(",").map((part) => part.trim())) {
    if (name !== "" && !inBody.has(name)) inBody.set(name, {});
  }
  return inBody;
}

function unknownName(name: string, known: Config["guardrails"]): GatewayError {
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed
  const shown = name.replace(/[\x00-\x1f\x7f]/g, "").slice(0, 64);
  const names = known.map((guardrail) => guardrail.name).join(", ");
  return new GatewayError(
    "invalid_request",
    `there is no guardrail \`${shown}\`; ${names === "" ? "none is configured" : `known: ${names}`}`,
  );
}

function unguarded(names: readonly string[]): GatewayError {
  return new GatewayError(
    "invalid_request",
    `this path is only passed on, unchecked, and so it is closed while a guardrail applies ` +
      `(${names.join(", ")}); use /v1/chat/completions or /v1/messages`,
  );
}
