// A provider's reply that broke off: what the attempt's span says, and what the client is told.

import { GatewayError } from "../errors/gateway-error.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import { connectionErrorCode } from "./attempts.ts";
import type { Attempt } from "./attempts.ts";
import type { CallState } from "./call-state.ts";

/** The attempt's span says why its body broke off; the error is what the client gets. */
export function brokenBody(state: CallState, attempt: Attempt, error: unknown): GatewayError {
  attempt.settle();
  const code = attempt.abortedBy() ?? "provider_cut";
  if (code === "client_disconnected") {
    attempt.span.attributes[attr.clientDisconnected] = true;
    state.spans.end(attempt.span);
    return new GatewayError(code, "the client has left", { cause: error });
  }
  const name = state.provider.name;
  const reason = code === "provider_cut" ? connectionErrorCode(error) : code;
  state.spans.fail(attempt.span, reason);
  state.spans.end(attempt.span);
  const message =
    code === "provider_timeout"
      ? `provider ${name} went silent in the middle of its reply`
      : code === "provider_cut"
        ? `provider ${name} broke off its reply (${reason})`
        : "the call was cancelled";
  return new GatewayError(code, message, { cause: error });
}
