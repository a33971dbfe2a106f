// The error event that ends a stream which broke after its head, in the route's own protocol. Pure.

import { anthropicErrorEvent } from "../apischema/anthropic-error.ts";
import { openaiErrorEvent } from "../apischema/openai-error.ts";
import type { WireError } from "../errors/gateway-error.ts";
import { utf8ToBinary } from "../protocol/binary-string.ts";
import type { RouteName } from "../protocol/call-task.ts";

/** A binary string: UTF-8 bytes, one char each. */
export function errorEvent(route: RouteName, error: WireError): string {
  const text = route === "messages" ? anthropicErrorEvent(error) : openaiErrorEvent(error);
  return utf8ToBinary(text);
}
