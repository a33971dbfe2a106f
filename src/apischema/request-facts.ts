// What everyspan reads of a request body, flat, for routing and for the trace. Pure, runs on any thread.
// Strict only about what a call cannot do without; the rest is the provider's business: an unknown field
// is no error, an optional one of a wrong type is not recorded. No message may repeat what was sent.
// By hand, not by valibot: it is read on every call, and this takes a tenth of the time.

import { readGuardrailNames } from "./guardrail-names.ts";
import { asObject, isText } from "./loose-json.ts";
import type { LooseObject } from "./loose-json.ts";

/** Plain data. The optional sampling parameters are those the caller sent, in either API's names. */
export interface RequestFacts {
  readonly model: string;
  readonly stream: boolean;
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly seed?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly choiceCount?: number | undefined;
  readonly stopSequences?: readonly string[] | undefined;
  readonly outputType?: OutputType | undefined;
  /** As sent: OpenAI `reasoning_effort`, Anthropic `output_config.effort`. */
  readonly reasoningLevel?: string | undefined;
  readonly serviceTier?: string | undefined;
  /** OpenAI `user`, Anthropic `metadata.user_id`. */
  readonly user?: string | undefined;
  /** Whether the caller asked for a usage chunk: OpenAI `stream_options.include_usage`. */
  readonly includeUsage: boolean;
  readonly hasStreamOptions: boolean;
  /** Named in LiteLLM's body field `guardrails`, which must not be forwarded when `hasGuardrails`. */
  readonly guardrails?: readonly string[] | undefined;
  readonly hasGuardrails: boolean;
}

/** The values of `gen_ai.output.type`. */
export type OutputType = "text" | "json" | "image" | "speech";

/** `param` names the field at fault; "" means the body itself. */
export type RequestParse =
  | { readonly ok: true; readonly facts: RequestFacts }
  | { readonly ok: false; readonly message: string; readonly param: string };

const modelCharsMax = 512;
/** Longer is no parameter but content, which has no place on a span. */
const textCharsMax = 256;
const textsMax = 64;

/** Reads a chat completions request that has been through JSON.parse. Never throws. */
export function readOpenAIRequest(body: unknown): RequestParse {
  const request = asObject(body);
  if (request === undefined) return refuse("", "The body must be a JSON object.");
  const required = readRequired(request);
  if ("ok" in required) return required;
  const { stop, stream_options: streamOptions } = request;
  return {
    ok: true,
    facts: {
      ...required,
      maxTokens: integer(request["max_completion_tokens"]) ?? integer(request["max_tokens"]),
      temperature: number(request["temperature"]),
      topP: number(request["top_p"]),
      topK: number(request["top_k"]),
      seed: integer(request["seed"]),
      frequencyPenalty: number(request["frequency_penalty"]),
      presencePenalty: number(request["presence_penalty"]),
      choiceCount: integer(request["n"]),
      stopSequences: typeof stop === "string" ? texts([stop]) : texts(stop),
      outputType: openaiOutputType(
        asObject(request["response_format"])?.["type"],
        texts(request["modalities"]),
      ),
      reasoningLevel:
        text(request["reasoning_effort"]) ?? text(asObject(request["reasoning"])?.["effort"]),
      serviceTier: text(request["service_tier"]),
      user: anyText(request["user"]),
      includeUsage: asObject(streamOptions)?.["include_usage"] === true,
      hasStreamOptions: streamOptions !== undefined,
    },
  };
}

/** Reads a messages or count_tokens request that has been through JSON.parse. Never throws. */
export function readAnthropicRequest(body: unknown): RequestParse {
  const request = asObject(body);
  if (request === undefined) return refuse("", "The body must be a JSON object.");
  const required = readRequired(request);
  if ("ok" in required) return required;
  const output = asObject(request["output_config"]);
  const format = asObject(output?.["format"]) ?? asObject(request["output_format"]);
  return {
    ok: true,
    facts: {
      ...required,
      maxTokens: integer(request["max_tokens"]),
      temperature: number(request["temperature"]),
      topP: number(request["top_p"]),
      topK: number(request["top_k"]),
      stopSequences: texts(request["stop_sequences"]),
      outputType: format?.["type"] === "json_schema" ? "json" : undefined,
      reasoningLevel: text(output?.["effort"]),
      serviceTier: text(request["service_tier"]),
      user: anyText(asObject(request["metadata"])?.["user_id"]),
      includeUsage: false,
      hasStreamOptions: false,
    },
  };
}

type RequiredFacts = Pick<RequestFacts, "model" | "stream" | "guardrails" | "hasGuardrails">;
type Refusal = Extract<RequestParse, { readonly ok: false }>;

/** What a call cannot do without, and what must not be passed over. */
function readRequired(request: LooseObject): RequiredFacts | Refusal {
  const { model, messages, stream, guardrails } = request;
  if (model === undefined) return refuse("model", "`model` is required.");
  if (typeof model !== "string") return refuse("model", "`model` must be a string.");
  if (model === "") return refuse("model", "`model` must not be empty.");
  if (model.length > modelCharsMax) {
    return refuse("model", `\`model\` must have at most ${modelCharsMax} characters.`);
  }
  if (messages === undefined) return refuse("messages", "`messages` is required.");
  if (!Array.isArray(messages)) return refuse("messages", "`messages` must be an array.");
  if (stream !== undefined && stream !== null && typeof stream !== "boolean") {
    return refuse("stream", "`stream` must be a boolean.");
  }
  const facts = { model, stream: stream ?? false };
  if (guardrails === undefined) return { ...facts, hasGuardrails: false };
  const names = readGuardrailNames(guardrails);
  if (names === undefined) return refuse("guardrails", "`guardrails` must be a list of names.");
  return { ...facts, hasGuardrails: true, guardrails: names };
}

function refuse(param: string, message: string): Refusal {
  return { ok: false, message, param };
}

function anyText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= textCharsMax ? value : undefined;
}

function texts(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length > textsMax) return undefined;
  const items: readonly unknown[] = value;
  return items.every(isText) && items.every(({ length }) => length <= textCharsMax)
    ? items
    : undefined;
}

/** `1e999` is infinite once parsed, and null once written again. */
function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function integer(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}

function openaiOutputType(
  format: unknown,
  modalities: readonly string[] | undefined,
): OutputType | undefined {
  if (modalities?.includes("audio")) return "speech";
  if (modalities?.includes("image")) return "image";
  if (format === "text") return "text";
  return format === "json_object" || format === "json_schema" ? "json" : undefined;
}
