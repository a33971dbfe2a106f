// What the `chat` span says: the logical call, with all its attempts. Usage, model and cost sit here and
// nowhere else, because backends count every span that has a model. Pure.

import type { RequestFacts } from "../apischema/request-facts.ts";
import type { ProviderConfig } from "../config/schema.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import type { Attributes } from "../tracing/recorder/span-encoding.ts";
import { portOf } from "./attempts.ts";
import type { Price } from "./cost.ts";
import type { ReplyFacts } from "./providers/reply-facts.ts";

/** Attributes known when the span starts, from the request (GenAI conventions, inference span). */
export function chatRequestAttributes(
  facts: RequestFacts,
  provider: ProviderConfig,
  { providerModel, sessionId }: { readonly providerModel: string; readonly sessionId: string },
): Attributes {
  const url = new URL(provider.baseUrl);
  const isOpenAI = provider.api === "openai";
  const tier = facts.serviceTier;
  return {
    [attr.operationName]: "chat",
    [attr.providerName]: providerNameOf(provider.api, url.hostname),
    [attr.requestModel]: providerModel === "" ? facts.model : providerModel,
    [attr.routeModel]: providerModel === "" ? undefined : facts.model,
    [attr.provider]: provider.name,
    [attr.serverAddress]: url.hostname,
    [attr.serverPort]: portOf(url),
    [attr.requestStream]: facts.stream ? true : undefined,
    [attr.requestMaxTokens]: facts.maxTokens,
    [attr.requestTemperature]: facts.temperature,
    [attr.requestTopP]: facts.topP,
    [attr.requestTopK]: facts.topK,
    [attr.requestSeed]: facts.seed,
    [attr.requestFrequencyPenalty]: facts.frequencyPenalty,
    [attr.requestPresencePenalty]: facts.presencePenalty,
    [attr.requestChoiceCount]: facts.choiceCount === 1 ? undefined : facts.choiceCount,
    [attr.requestStopSequences]: facts.stopSequences,
    [attr.outputType]: facts.outputType,
    [attr.requestReasoningLevel]: facts.reasoningLevel,
    [attr.conversationId]: sessionId === "" ? undefined : sessionId,
    [attr.openaiApiType]: isOpenAI ? "chat_completions" : undefined,
    [attr.openaiRequestServiceTier]: isOpenAI && tier !== "auto" ? tier : undefined,
  };
}

/** Attributes known from the reply, as far as it came. */
export function chatReplyAttributes(
  facts: ReplyFacts,
  extra: {
    readonly price: Price | undefined;
    readonly attempts: number;
    readonly isOpenAI: boolean;
    readonly timeToFirstChunkSeconds: number | undefined;
  },
): Attributes {
  const { usage } = facts;
  return {
    [attr.responseId]: facts.id,
    [attr.responseModel]: facts.model,
    [attr.responseFinishReasons]: facts.finishReasons.length > 0 ? facts.finishReasons : undefined,
    [attr.responseTimeToFirstChunk]: extra.timeToFirstChunkSeconds,
    [attr.usageInputTokens]: usage?.inputTokens,
    [attr.usageOutputTokens]: usage?.outputTokens,
    [attr.usageCacheReadTokens]: usage?.cacheReadTokens,
    [attr.usageCacheWriteTokens]: usage?.cacheWriteTokens,
    [attr.usageReasoningTokens]: usage?.reasoningTokens,
    [attr.usageCost]: extra.price?.total,
    [attr.costInput]: extra.price?.input,
    [attr.costOutput]: extra.price?.output,
    [attr.openaiResponseServiceTier]: extra.isOpenAI ? facts.serviceTier : undefined,
    [attr.openaiSystemFingerprint]: facts.systemFingerprint,
    [attr.attemptCount]: extra.attempts > 1 ? extra.attempts : undefined,
  };
}

/** `gen_ai.provider.name`: the well-known name of a public host, else that of the wire format. */
export function providerNameOf(api: "openai" | "anthropic", hostname: string): string {
  for (const [suffix, name] of wellKnownHosts) {
    if (hostname === suffix || hostname.endsWith(`.${suffix}`)) return name;
  }
  return api;
}

const wellKnownHosts: readonly (readonly [string, string])[] = [
  ["openai.azure.com", "azure.ai.openai"],
  ["api.groq.com", "groq"],
  ["api.deepseek.com", "deepseek"],
  ["api.mistral.ai", "mistral_ai"],
  ["api.perplexity.ai", "perplexity"],
  ["api.x.ai", "x_ai"],
  ["api.cohere.com", "cohere"],
  ["api.moonshot.ai", "moonshot_ai"],
  ["generativelanguage.googleapis.com", "gcp.gemini"],
  ["aiplatform.googleapis.com", "gcp.vertex_ai"],
];
