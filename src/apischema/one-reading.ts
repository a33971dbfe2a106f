// Whether what a provider answers has one reading, before a guardrail judges it by ours. Pure, runs on worker
// threads. A client may take the other of two equal keys, and what is nested without end stops whoever walks it.

import { GatewayError } from "../errors/gateway-error.ts";
import { findDuplicateKey } from "./duplicate-keys.ts";

/**
 * `json` is what JSON.parse accepts.
 *
 * @throws GatewayError `provider_invalid` when a key occurs twice in one object, or beyond 1024 levels
 */
export function assertOneReading(json: string): void {
  let key: string | undefined;
  try {
    key = findDuplicateKey(json);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw uncheckable("is nested too deeply");
  }
  if (key !== undefined) throw uncheckable("has a key twice in one object");
}

function uncheckable(why: string): GatewayError {
  return new GatewayError("provider_invalid", `the provider's reply cannot be checked: it ${why}`);
}
