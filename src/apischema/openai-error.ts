// Our own failures in OpenAI's error shape, as a body and as a stream event. Pure, runs on any thread.
// A provider's error never comes through here: it passes as it came.

import { errorRule, type WireError } from "../errors/gateway-error.ts";

/** JSON of an error reply of `status`; `param` names the request field at fault. */
export function openaiErrorBody(
  error: WireError,
  status: number,
  param: string | null = null,
): string {
  return JSON.stringify({ error: { ...errorFields(error, status), param, code: error.code } });
}

/** The SSE frame that ends a broken stream; the SDK raises on it. */
export function openaiErrorEvent(error: WireError): string {
  return `data: ${openaiErrorBody(error, errorRule(error.code).status)}\n\n`;
}

function errorFields(error: WireError, status: number): { message: string; type: string } {
  const rule = errorRule(error.code);
  const typeOfStatus = status >= 500 ? "server_error" : "invalid_request_error";
  return { message: error.message, type: status === rule.status ? rule.openai : typeOfStatus };
}
