// What the `chat` span says: the logical call, with all its attempts. Usage, model and cost sit here and
// nowhere else, because backends count every span that has a model. Pure.

import type { RequestFacts } from "../apischema/request-facts.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import type { Attributes, AttributeValue } from "../tracing/recorder/span-encoding.ts";
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
  const isAliased = providerModel !== "";
  const said: Attributes = {
    [attr.operationName]: "chat",
    [attr.providerName]: provider.wellKnownName,
    [attr.requestModel]: isAliased ? providerModel : facts.model,
    [attr.provider]: provider.name,
    [attr.serverAddress]: provider.hostname,
    [attr.serverPort]: provider.port,
  };
  if (isAliased) said[attr.routeModel] = facts.model;
  if (facts.stream) said[attr.requestStream] = true;
  say(said, attr.requestMaxTokens, facts.maxTokens);
  say(said, attr.requestTemperature, facts.temperature);
  say(said, attr.requestTopP, facts.topP);
  say(said, attr.requestTopK, facts.topK);
  say(said, attr.requestSeed, facts.seed);
  say(said, attr.requestFrequencyPenalty, facts.frequencyPenalty);
  say(said, attr.requestPresencePenalty, facts.presencePenalty);
  if (facts.choiceCount !== 1) say(said, attr.requestChoiceCount, facts.choiceCount);
  say(said, attr.requestStopSequences, facts.stopSequences);
  say(said, attr.outputType, facts.outputType);
  say(said, attr.requestReasoningLevel, facts.reasoningLevel);
  if (sessionId !== "") said[attr.conversationId] = sessionId;
  if (!isOpenAI) return said;
  said[attr.openaiApiType] = "chat_completions";
  if (facts.serviceTier !== "auto") say(said, attr.openaiRequestServiceTier, facts.serviceTier);
  return said;
}

/** Adds what is known from the reply, as far as it came. */
export function addReplyAttributes(
  said: Attributes,
  facts: ReplyFacts,
  extra: {
    readonly price: Price | undefined;
    readonly attempts: number;
    readonly isOpenAI: boolean;
    readonly timeToFirstChunkSeconds: number | undefined;
  },
): void {
  const { usage } = facts;
  say(said, attr.responseId, facts.id);
  say(said, attr.responseModel, facts.model);
  if (facts.finishReasons.length > 0) said[attr.responseFinishReasons] = facts.finishReasons;
  say(said, attr.responseTimeToFirstChunk, extra.timeToFirstChunkSeconds);
  say(said, attr.usageInputTokens, usage?.inputTokens);
  say(said, attr.usageOutputTokens, usage?.outputTokens);
  say(said, attr.usageCacheReadTokens, usage?.cacheReadTokens);
  say(said, attr.usageCacheWriteTokens, usage?.cacheWriteTokens);
  say(said, attr.usageReasoningTokens, usage?.reasoningTokens);
  say(said, attr.usageCost, extra.price?.total);
  say(said, attr.costInput, extra.price?.input);
  say(said, attr.costOutput, extra.price?.output);
  if (extra.isOpenAI) say(said, attr.openaiResponseServiceTier, facts.serviceTier);
  say(said, attr.openaiSystemFingerprint, facts.systemFingerprint);
  if (extra.attempts > 1) said[attr.attemptCount] = extra.attempts;
}

/** An attribute that is not known is not there: a span with forty keys costs twice one with twenty. */
function say(said: Attributes, key: string, value: AttributeValue | undefined): void {
  if (value !== undefined) said[key] = value;
}
