// The error event for a stream whose worker is gone: the server has to write it itself. Pure.

import { anthropicErrorEvent } from "../apischema/anthropic-error.ts";
import { openaiErrorEvent } from "../apischema/openai-error.ts";
import type { WireError } from "../errors/gateway-error.ts";
import { utf8ToBinary } from "../protocol/binary-string.ts";
import type { Api } from "./routes.ts";

/** A binary string: UTF-8 bytes, one char each. */
export function streamErrorEvent(api: Api, error: WireError): string {
  const text = api === "anthropic" ? anthropicErrorEvent(error) : openaiErrorEvent(error);
  return utf8ToBinary(text);
}
