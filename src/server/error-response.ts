// Everyspan's own errors as replies, in the shape of the route's API. Pure.

import { anthropicErrorBody } from "../apischema/anthropic-error.ts";
import { openaiErrorBody } from "../apischema/openai-error.ts";
import { errorRule } from "../errors/gateway-error.ts";
import type { ErrorCode, WireError } from "../errors/gateway-error.ts";
import type { Api } from "./routes.ts";

/** After these the rest of the request's body may still be on its way: the connection is of no more use. */
const closing: ReadonlySet<ErrorCode> = new Set(["payload_too_large", "request_timeout"]);

/**
 * A reply with `x-trace-id`, and `retry-after` where trying again makes sense. `methods`: what a 405 says
 * is allowed (RFC 9110 §15.5.6 wants it said).
 */
export function errorResponse(
  error: WireError,
  {
    api,
    traceId,
    methods = [],
  }: { readonly api: Api; readonly traceId: string; readonly methods?: readonly string[] },
): Response {
  const { status, retryAfterSeconds } = errorRule(error.code);
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "x-trace-id": traceId,
  };
  if (error.code === "method_not_allowed") headers["allow"] = methods.join(", ");
  if (closing.has(error.code)) headers["connection"] = "close";
  if (retryAfterSeconds !== undefined) headers["retry-after"] = String(retryAfterSeconds);
  const body =
    api === "anthropic" ? anthropicErrorBody(error, traceId) : openaiErrorBody(error, status);
  return new Response(body, { status, headers });
}
