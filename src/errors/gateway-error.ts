// The one error class of everyspan. Runs on any thread; knows nothing of ours.
// Across threads only the plain WireError goes: a class does not survive a port.

interface ErrorRule {
  readonly status: number;
  /** `error.type` in OpenAI's error body. */
  readonly openai: string;
  /** `error.type` in Anthropic's error body. */
  readonly anthropic: string;
  /** Seconds for a `retry-after` header, where trying again makes sense. */
  readonly retryAfterSeconds?: number;
}

/**
 * The closed table of failures. The code is also the span's `error.type`.
 *
 * - `invalid_request`: the body or a header cannot be used as sent.
 * - `unauthorized`: no key, or a wrong one.
 * - `forbidden`: a browser page of another origin, or a path that is not allowed.
 * - `not_found`: no such route. `model_not_found`: no such model is configured.
 * - `method_not_allowed`, `request_timeout`, `payload_too_large`, `unsupported_media_type`: as HTTP has them.
 * - `overloaded`: a queue or a bound is full. `draining`: shutting down. `ledger_unavailable`: `on_failure: refuse`.
 * - `provider_unreachable`: no connection, or none left after retries. `provider_timeout`: no answer in time.
 * - `provider_cut`: the reply ended before it was whole. `provider_invalid`: a reply that cannot be read.
 * - `guardrail_blocked`, `guardrail_failed`: a guardrail refused the call, or could not say.
 * - `worker_lost`: the thread that ran the call is gone. `client_disconnected`: nobody is there to answer.
 * - `internal`: a bug of ours.
 */
export type ErrorCode =
  | "invalid_request"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "model_not_found"
  | "method_not_allowed"
  | "request_timeout"
  | "payload_too_large"
  | "unsupported_media_type"
  | "overloaded"
  | "draining"
  | "ledger_unavailable"
  | "provider_unreachable"
  | "provider_timeout"
  | "provider_cut"
  | "provider_invalid"
  | "guardrail_blocked"
  | "guardrail_failed"
  | "worker_lost"
  | "client_disconnected"
  | "internal";

const rules: Readonly<Record<ErrorCode, ErrorRule>> = {
  invalid_request: {
    status: 400,
    openai: "invalid_request_error",
    anthropic: "invalid_request_error",
  },
  unauthorized: { status: 401, openai: "invalid_request_error", anthropic: "authentication_error" },
  forbidden: { status: 403, openai: "invalid_request_error", anthropic: "permission_error" },
  not_found: { status: 404, openai: "invalid_request_error", anthropic: "not_found_error" },
  model_not_found: { status: 404, openai: "invalid_request_error", anthropic: "not_found_error" },
  method_not_allowed: {
    status: 405,
    openai: "invalid_request_error",
    anthropic: "invalid_request_error",
  },
  request_timeout: {
    status: 408,
    openai: "invalid_request_error",
    anthropic: "invalid_request_error",
  },
  payload_too_large: {
    status: 413,
    openai: "invalid_request_error",
    anthropic: "request_too_large",
  },
  unsupported_media_type: {
    status: 415,
    openai: "invalid_request_error",
    anthropic: "invalid_request_error",
  },
  overloaded: {
    status: 503,
    openai: "server_error",
    anthropic: "overloaded_error",
    retryAfterSeconds: 1,
  },
  draining: {
    status: 503,
    openai: "server_error",
    anthropic: "overloaded_error",
    retryAfterSeconds: 1,
  },
  ledger_unavailable: {
    status: 503,
    openai: "server_error",
    anthropic: "overloaded_error",
    retryAfterSeconds: 5,
  },
  provider_unreachable: { status: 502, openai: "server_error", anthropic: "api_error" },
  provider_timeout: { status: 504, openai: "server_error", anthropic: "timeout_error" },
  provider_cut: { status: 502, openai: "server_error", anthropic: "api_error" },
  provider_invalid: { status: 502, openai: "server_error", anthropic: "api_error" },
  guardrail_blocked: {
    status: 400,
    openai: "invalid_request_error",
    anthropic: "invalid_request_error",
  },
  guardrail_failed: { status: 503, openai: "server_error", anthropic: "api_error" },
  worker_lost: {
    status: 503,
    openai: "server_error",
    anthropic: "overloaded_error",
    retryAfterSeconds: 1,
  },
  client_disconnected: { status: 499, openai: "server_error", anthropic: "api_error" },
  internal: { status: 500, openai: "server_error", anthropic: "api_error" },
};

/** A failure as plain data: what crosses threads. `message` may be shown to the client. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
}

export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The status, API error types and retry advice of a code. Total. */
export function errorRule(code: ErrorCode): ErrorRule {
  return rules[code];
}

/** Every code of the table, for tests that walk it. */
export const errorCodes: readonly ErrorCode[] = Object.keys(rules) as ErrorCode[];

/** Plain data for a port. What is not a GatewayError is a bug: its message stays inside. */
export function toWireError(error: unknown): WireError {
  if (error instanceof GatewayError) return { code: error.code, message: error.message };
  return { code: "internal", message: "internal error" };
}

export function fromWireError(wire: WireError): GatewayError {
  return new GatewayError(wire.code, wire.message);
}
