// Our own failures in Anthropic's error shape, as a body and as a stream event. Pure, runs on any thread.
// A provider's error never comes through here: it passes as it came.

import { errorRule, type WireError } from "../errors/gateway-error.ts";

/** JSON of an error reply; `requestId` is what the `request-id` header says too. */
export function anthropicErrorBody(error: WireError, requestId: string): string {
  return JSON.stringify({ type: "error", error: errorFields(error), request_id: requestId });
}

/** The SSE frame that ends a broken stream. Its `event` line is needed: the SDK skips frames without. */
export function anthropicErrorEvent(error: WireError): string {
  return `event: error\ndata: ${JSON.stringify({ type: "error", error: errorFields(error) })}\n\n`;
}

function errorFields(error: WireError): { type: string; message: string } {
  return { type: errorRule(error.code).anthropic, message: error.message };
}
