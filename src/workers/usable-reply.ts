// What a provider may answer at all. A status that HTTP does not have cannot be passed on, and a redirect
// must not be: the client would follow it with its key to an address that nobody configured. Worker thread.

import { GatewayError } from "../errors/gateway-error.ts";
import type { Attempt } from "./attempts.ts";
import type { CallState } from "./call-state.ts";

const redirects: ReadonlySet<number> = new Set([300, 301, 302, 303, 305, 307, 308]);

/** @throws GatewayError `provider_invalid`, with the attempt's connection closed */
export function assertUsable(state: CallState, attempt: Attempt): void {
  const { status } = attempt.response;
  const isRedirect = redirects.has(status);
  if (status >= 200 && status <= 599 && !isRedirect) return;
  attempt.settle();
  attempt.abort();
  state.spans.fail(attempt.span, isRedirect ? String(status) : "provider_invalid");
  const what = isRedirect
    ? "a redirect, which is not followed"
    : "a status that HTTP does not have";
  throw new GatewayError(
    "provider_invalid",
    `provider ${state.provider.name} answered ${status}: ${what}`,
  );
}

/** RFC 9110: these statuses carry no content, whatever their headers say. */
export function hasNoContent(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
