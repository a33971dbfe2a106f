// What the `chat` span says: the logical call, with all its attempts. Usage, model and cost sit here and
// nowhere else, because backends count every span that has a model. Pure.

import type { RequestFacts } from "../apischema/request-facts.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import type { Attributes } from "../tracing/recorder/span-encoding.ts";
import type { Price } from "./cost.ts";
import type { ReplyFacts } from "./providers/reply-facts.ts";
import type { Upstream } from "./upstream.ts";

/** Attributes known when the span starts, from the request (GenAI conventions, inference span). */
export function chatRequestAttributes(
  facts: RequestFacts,
  provider: Upstream,
  { providerModel, sessionId }: { readonly providerModel: string; readonly sessionId: string },
): Attributes {
  const isOpenAI = provider.api === "openai";
  const tier = facts.serviceTier;
  return {
    [attr.operationName]: "chat",
    [attr.providerName]: provider.wellKnownName,
    [attr.requestModel]: providerModel === "" ? facts.model : providerModel,
    [attr.routeModel]: providerModel === "" ? undefined : facts.model,
    [attr.provider]: provider.name,
    [attr.serverAddress]: provider.hostname,
    [attr.serverPort]: provider.port,
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
