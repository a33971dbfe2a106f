// Reads a provider's error, whichever shape it has: compatible servers answer in OpenAI's shape on every
// route, with numbers for codes, or in a shape of their web framework's. Worker thread. Pure.

import { asObject, asText, type JsonObject } from "./json-probe.ts";

export interface ErrorFacts {
  readonly errorType: string;
  readonly errorMessage?: string;
}

/** A message for a span, not for a client: providers put whole prompts into theirs. */
const messageCharsMax = 1024;

/**
 * The error that `json` tells of, a reply's body or an event's data: `{"error":{…}}`, `{"error":"…"}`,
 * `{"object":"error",…}`, `{"detail":"…"}`. Undefined when it tells of none. `_OTHER` is the type of an
 * error without one, as the semantic conventions have it.
 */
export function readErrorFacts(json: JsonObject): ErrorFacts | undefined {
  const { error, object, detail } = json;
  if (typeof error === "string") return errorFacts("_OTHER", error);
  const body = asObject(error) ?? (object === "error" ? json : undefined);
  if (body !== undefined) return errorFacts(errorType(body), body["message"]);
  return error === undefined && asText(detail) !== undefined
    ? errorFacts("_OTHER", detail)
    : undefined;
}

function errorType(body: JsonObject): string {
  const { code, type } = body;
  const numeric = typeof code === "number" ? String(code) : undefined;
  return asIdentifier(code) ?? asIdentifier(type) ?? numeric ?? "_OTHER";
}

/** What is no identifier may be a sentence, and so a quotation of the prompt. */
function asIdentifier(value: unknown): string | undefined {
  const text = asText(value);
  return text !== undefined && /^[\w.:/-]{1,64}$/.test(text) ? text : undefined;
}

function errorFacts(type: string, message: unknown): ErrorFacts {
  const text = asText(message);
  if (text === undefined) return { errorType: type };
  return { errorType: type, errorMessage: text.slice(0, messageCharsMax) };
}
