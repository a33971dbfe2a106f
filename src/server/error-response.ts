// Everyspan's own errors as replies, in the shape of the route's API. Pure.

import { anthropicErrorBody } from "../apischema/anthropic-error.ts";
import { openaiErrorBody } from "../apischema/openai-error.ts";
import { errorRule } from "../errors/gateway-error.ts";
import type { WireError } from "../errors/gateway-error.ts";
import type { Api } from "./routes.ts";

/** A reply with `x-trace-id`, and `retry-after` where trying again makes sense. */
export function errorResponse(
  error: WireError,
  { api, traceId }: { readonly api: Api; readonly traceId: string },
): Response {
  const { status, retryAfterSeconds } = errorRule(error.code);
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "x-trace-id": traceId,
  };
  if (retryAfterSeconds !== undefined) headers["retry-after"] = String(retryAfterSeconds);
  const body =
    api === "anthropic" ? anthropicErrorBody(error, traceId) : openaiErrorBody(error, status);
  return new Response(body, { status, headers });
}
