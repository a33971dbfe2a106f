// What everyspan reads of a request body, flat, for routing and for the trace. Pure, runs on any thread.
// Strict only about what a call cannot do without; the rest is the provider's business: an unknown field
// is no error, an optional one of a wrong type is not recorded. No message may repeat what was sent.

import * as v from "valibot";
import { readGuardrailNames } from "./guardrail-names.ts";

/** Plain data. The optional sampling parameters are those the caller sent, in either API's names. */
export interface RequestFacts {
  model: string;
  stream: boolean;
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  seed?: number;
  frequencyPenalty?: number;
  presencePenalty?: number;
  choiceCount?: number;
  stopSequences?: string[];
  outputType?: OutputType;
  /** As sent: OpenAI `reasoning_effort`, Anthropic `output_config.effort`. */
  reasoningLevel?: string;
  serviceTier?: string;
  /** OpenAI `user`, Anthropic `metadata.user_id`. */
  user?: string;
  /** Whether the caller asked for a usage chunk: OpenAI `stream_options.include_usage`. */
  includeUsage: boolean;
  hasStreamOptions: boolean;
  /** Named in LiteLLM's body field `guardrails`, which must not be forwarded when `hasGuardrails`. */
  guardrails?: string[];
  hasGuardrails: boolean;
}

/** The values of `gen_ai.output.type`. */
export type OutputType = "text" | "json" | "image" | "speech";

/** `param` names the field at fault; "" means the body itself. */
export type RequestParse =
  | { readonly ok: true; readonly facts: RequestFacts }
  | { readonly ok: false; readonly message: string; readonly param: string };

/** Reads a chat completions request that has been through JSON.parse. Never throws. */
export function readOpenAIRequest(body: unknown): RequestParse {
  if (Array.isArray(body)) return notAnObject;
  const parsed = v.safeParse(openaiRequest, body, { abortEarly: true });
  if (!parsed.success) return refuse(parsed.issues[0]);
  const { output } = parsed;
  return withGuardrails(output.guardrails, {
    model: output.model,
    stream: output.stream ?? false,
    maxTokens: output.max_completion_tokens ?? output.max_tokens,
    temperature: output.temperature,
    topP: output.top_p,
    topK: output.top_k,
    seed: output.seed,
    frequencyPenalty: output.frequency_penalty,
    presencePenalty: output.presence_penalty,
    choiceCount: output.n,
    stopSequences: typeof output.stop === "string" ? [output.stop] : output.stop,
    outputType: openaiOutputType(output.response_format?.type, output.modalities),
    reasoningLevel: output.reasoning_effort ?? output.reasoning?.effort,
    serviceTier: output.service_tier,
    user: output.user,
    includeUsage: output.stream_options?.include_usage === true,
    hasStreamOptions: output.stream_options !== undefined,
  });
}

/** Reads a messages or count_tokens request that has been through JSON.parse. Never throws. */
export function readAnthropicRequest(body: unknown): RequestParse {
  if (Array.isArray(body)) return notAnObject;
  const parsed = v.safeParse(anthropicRequest, body, { abortEarly: true });
  if (!parsed.success) return refuse(parsed.issues[0]);
  const { output } = parsed;
  const format = output.output_config?.format ?? output.output_format;
  return withGuardrails(output.guardrails, {
    model: output.model,
    stream: output.stream ?? false,
    maxTokens: output.max_tokens,
    temperature: output.temperature,
    topP: output.top_p,
    topK: output.top_k,
    stopSequences: output.stop_sequences,
    outputType: format?.type === "json_schema" ? "json" : undefined,
    reasoningLevel: output.output_config?.effort,
    serviceTier: output.service_tier,
    user: output.metadata?.user_id,
    includeUsage: false,
    hasStreamOptions: false,
  });
}

const notAnObject: RequestParse = {
  ok: false,
  message: "The body must be a JSON object.",
  param: "",
};

/** Longer is no parameter but content, which has no place on a span. */
const textCharsMax = 256;
const shortText = v.pipe(v.string(), v.maxLength(textCharsMax));
const shortTexts = v.pipe(v.array(shortText), v.maxLength(64));
const text = lenient(shortText);
const texts = lenient(shortTexts);
/** `1e999` is infinite once parsed, and null once written again. */
const number = lenient(v.pipe(v.number(), v.finite()));
const integer = lenient(v.pipe(v.number(), v.safeInteger()));
const typed = lenient(v.object({ type: text }));

const required = {
  model: v.pipe(
    v.string("must be a string"),
    v.nonEmpty("must not be empty"),
    v.maxLength(512, "must have at most 512 characters"),
  ),
  messages: v.custom<unknown[]>(Array.isArray, "must be an array"),
  stream: v.nullish(v.boolean("must be a boolean")),
  guardrails: v.optional(v.unknown()),
};

const sampling = {
  max_tokens: integer,
  temperature: number,
  top_p: number,
  top_k: integer,
  service_tier: text,
};

const openaiRequest = v.object({
  ...required,
  ...sampling,
  max_completion_tokens: integer,
  seed: integer,
  frequency_penalty: number,
  presence_penalty: number,
  n: integer,
  stop: lenient(v.union([shortText, shortTexts])),
  response_format: typed,
  modalities: texts,
  reasoning_effort: text,
  reasoning: lenient(v.object({ effort: text })),
  user: lenient(v.string()),
  stream_options: v.optional(
    v.fallback(v.object({ include_usage: lenient(v.boolean()) }), { include_usage: undefined }),
  ),
});

const anthropicRequest = v.object({
  ...required,
  ...sampling,
  stop_sequences: texts,
  output_config: lenient(v.object({ effort: text, format: typed })),
  output_format: typed,
  metadata: lenient(v.object({ user_id: lenient(v.string()) })),
});

/** Absent, or of another type: undefined. */
function lenient<TInput, TOutput>(
  schema: v.GenericSchema<TInput, TOutput>,
): v.GenericSchema<unknown, TOutput | undefined> {
  return v.fallback(v.optional(schema), undefined);
}

function refuse(issue: v.BaseIssue<unknown>): RequestParse {
  const key = issue.path?.[0]?.key;
  if (typeof key !== "string") return notAnObject;
  const isMissing = issue.received === "undefined";
  const problem = isMissing ? "is required" : issue.message;
  return { ok: false, message: `\`${key}\` ${problem}.`, param: key };
}

type Loose<T> = { [K in keyof T]: Required<T>[K] | undefined };

function withGuardrails(
  field: unknown,
  read: Loose<Omit<RequestFacts, "guardrails" | "hasGuardrails">>,
): RequestParse {
  const facts: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(read)) if (value !== undefined) facts[name] = value;
  facts["hasGuardrails"] = field !== undefined;
  if (field !== undefined) {
    const names = readGuardrailNames(field);
    if (names === undefined) {
      return { ok: false, message: "`guardrails` must be a list of names.", param: "guardrails" };
    }
    facts["guardrails"] = names;
  }
  return { ok: true, facts: facts as unknown as RequestFacts };
}

function openaiOutputType(
  format: string | undefined,
  modalities: readonly string[] | undefined,
): OutputType | undefined {
  if (modalities?.includes("audio")) return "speech";
  if (modalities?.includes("image")) return "image";
  if (format === "text") return "text";
  return format === "json_object" || format === "json_schema" ? "json" : undefined;
}
