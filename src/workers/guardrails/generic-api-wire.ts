// LiteLLM's Generic Guardrail API as it goes over the wire: the request's fields, and a reply read without
// trust. Pure. Fields are applied only under `GUARDRAIL_INTERVENED`, and only where their number fits.

import { asObject, isText } from "../../apischema/loose-json.ts";
import type { GuardrailInput, Verdict } from "./guardrail.ts";

/** Added to the configured address unless it ends so already. */
export const genericApiPath = "/beta/litellm_basic_guardrail_api";

export interface WireSettings {
  /** Names of the caller's headers whose values go along, in lower case. */
  readonly forwardHeaders: readonly string[];
  readonly additionalProviderSpecificParams: Readonly<Record<string, unknown>>;
}

/** The request's body. Of the caller's headers most are named only: `"[present]"`. */
export function genericApiRequest(input: GuardrailInput, settings: WireSettings): unknown {
  const isRequest = input.stage !== "post_call";
  return {
    input_type: isRequest ? "request" : "response",
    texts: input.texts,
    images: input.images,
    tools: isRequest ? input.tools : null,
    tool_calls: input.toolCalls,
    structured_messages: isRequest ? input.messages : null,
    model: input.model,
    request_data: {
      ...(input.keyName !== "" && { user_api_key_alias: input.keyName }),
      ...(input.endUser !== "" && { user_api_key_end_user_id: input.endUser }),
    },
    request_headers: shownHeaders(input.headers, settings.forwardHeaders),
    litellm_version: null,
    litellm_call_id: input.call,
    litellm_trace_id: input.traceId,
    // What is configured wins: a caller must not be able to talk a guardrail out of its settings.
    additional_provider_specific_params: {
      ...input.extra,
      ...settings.additionalProviderSpecificParams,
    },
  };
}

/** Reads a reply of status 200. A rewrite that does not fit what was sent is a failure, never half applied. */
export function readGenericApiReply(body: string, input: GuardrailInput): Verdict {
  let reply: ReturnType<typeof asObject>;
  try {
    reply = asObject(JSON.parse(body));
  } catch {
    return failed("answered with something that is no JSON");
  }
  if (reply === undefined) return failed("answered with something that is no JSON object");
  switch (reply["action"]) {
    case "BLOCKED": {
      const reason = reply["blocked_reason"];
      return {
        action: "block",
        reason: isText(reason) && reason !== "" ? reason : "Content violates policy",
        category: "policy",
      };
    }
    case "GUARDRAIL_INTERVENED":
      return readRewrite(reply, input);
    case "NONE":
    case undefined:
    case null:
      return { action: "allow" };
    default:
      return failed("answered with an unknown action");
  }
}

function readRewrite(
  reply: NonNullable<ReturnType<typeof asObject>>,
  input: GuardrailInput,
): Verdict {
  const fields = [reply["texts"], reply["images"], reply["tools"]].map((field) => field ?? []);
  if (!fields.every(Array.isArray)) return failed("rewrote texts, images or tools as no list");
  const [texts, images, tools] = fields as [unknown[], unknown[], unknown[]];
  const fits =
    hasLength(texts, input.texts.length) &&
    hasLength(images, input.images.length) &&
    hasLength(tools, input.tools.length);
  if (!fits) return failed("rewrote another number of texts, images or tools than it was sent");
  if (!texts.every(isText) || !images.every(isText)) return failed("rewrote texts as no texts");
  return {
    action: "mask",
    texts: texts.length === 0 ? input.texts : texts,
    ...(images.length > 0 && { images }),
    ...(tools.length > 0 && { tools }),
  };
}

/** Empty or absent means unchanged. */
function hasLength(values: readonly unknown[], length: number): boolean {
  return values.length === 0 || values.length === length;
}

function failed(message: string): Verdict {
  return { action: "failed", cause: "error", message: `the guardrail's server ${message}` };
}

function shownHeaders(
  headers: GuardrailInput["headers"],
  forwarded: readonly string[],
): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, value] of headers) {
    const isShown =
      harmless.has(name) ||
      name.startsWith("x-stainless-") ||
      name.startsWith("x-litellm-") ||
      forwarded.includes(name);
    shown[name] = isShown ? value : "[present]";
  }
  return shown;
}

const harmless: ReadonlySet<string> = new Set([
  "host",
  "accept",
  "accept-encoding",
  "connection",
  "content-type",
  "content-length",
  "user-agent",
]);
