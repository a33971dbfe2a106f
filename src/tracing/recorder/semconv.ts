// Every attribute name that everyspan writes, in one place. Names, types and status rules follow
// OpenTelemetry semantic conventions: core v1.44.0 (HTTP, stable) and the GenAI conventions after the
// inference split (schema https://opentelemetry.io/schemas/gen-ai/1.42.0, Development).
// What is ours is `everyspan.*`. Guardrail names are those of the open proposal, hence only here.

export const attr = {
  errorType: "error.type",
  httpRequestMethod: "http.request.method",
  httpRequestMethodOriginal: "http.request.method_original",
  httpRequestResendCount: "http.request.resend_count",
  httpResponseStatusCode: "http.response.status_code",
  httpRoute: "http.route",
  urlFull: "url.full",
  urlPath: "url.path",
  urlScheme: "url.scheme",
  serverAddress: "server.address",
  serverPort: "server.port",
  userAgent: "user_agent.original",
  sessionId: "session.id",
  userId: "user.id",

  operationName: "gen_ai.operation.name",
  providerName: "gen_ai.provider.name",
  conversationId: "gen_ai.conversation.id",
  outputType: "gen_ai.output.type",
  requestModel: "gen_ai.request.model",
  requestStream: "gen_ai.request.stream",
  requestMaxTokens: "gen_ai.request.max_tokens",
  requestTemperature: "gen_ai.request.temperature",
  requestTopP: "gen_ai.request.top_p",
  requestTopK: "gen_ai.request.top_k",
  requestSeed: "gen_ai.request.seed",
  requestFrequencyPenalty: "gen_ai.request.frequency_penalty",
  requestPresencePenalty: "gen_ai.request.presence_penalty",
  requestChoiceCount: "gen_ai.request.choice.count",
  requestStopSequences: "gen_ai.request.stop_sequences",
  requestReasoningLevel: "gen_ai.request.reasoning.level",
  responseId: "gen_ai.response.id",
  responseModel: "gen_ai.response.model",
  responseFinishReasons: "gen_ai.response.finish_reasons",
  responseTimeToFirstChunk: "gen_ai.response.time_to_first_chunk",
  usageInputTokens: "gen_ai.usage.input_tokens",
  usageOutputTokens: "gen_ai.usage.output_tokens",
  usageCacheReadTokens: "gen_ai.usage.cache_read.input_tokens",
  usageCacheWriteTokens: "gen_ai.usage.cache_write.input_tokens",
  usageReasoningTokens: "gen_ai.usage.reasoning.output_tokens",
  /** Not a convention (genai#443 is open); Langfuse reads it. USD. */
  usageCost: "gen_ai.usage.cost",
  inputMessages: "gen_ai.input.messages",
  outputMessages: "gen_ai.output.messages",
  systemInstructions: "gen_ai.system_instructions",

  openaiApiType: "openai.api.type",
  openaiRequestServiceTier: "openai.request.service_tier",
  openaiResponseServiceTier: "openai.response.service_tier",
  openaiSystemFingerprint: "openai.response.system_fingerprint",

  guardrailName: "gen_ai.guardrail.component.name",
  guardrailRiskCategory: "gen_ai.guardrail.risk.category",
  guardrailStage: "everyspan.guardrail.stage",
  guardrailVerdict: "everyspan.guardrail.verdict",
  guardrailType: "everyspan.guardrail.type",
  guardrailReason: "everyspan.guardrail.reason",
  guardrailWindows: "everyspan.guardrail.windows",
  guardrailMaskedCount: "everyspan.guardrail.masked_count",
  /** `name:count`, by what was found. */
  guardrailMaskedEntities: "everyspan.guardrail.masked_entities",
  /** Seconds spent asking; the span of a stream is open for as long as the stream. */
  guardrailDuration: "everyspan.guardrail.duration",
  /** What a failure came to: `block` or `allow`. */
  guardrailFailureAction: "everyspan.guardrail.failure_action",
  /** Only when content is captured. */
  guardrailInput: "gen_ai.guardrail.content.input.value",
  guardrailOutput: "gen_ai.guardrail.content.output.value",

  callId: "everyspan.call.id",
  batchRunId: "everyspan.batch.run.id",
  batchRow: "everyspan.batch.row",
  batchLine: "everyspan.batch.line",
  batchRows: "everyspan.batch.rows",
  batchRowsFailed: "everyspan.batch.rows_failed",
  keyName: "everyspan.key.name",
  authOutcome: "everyspan.auth.outcome",
  provider: "everyspan.provider",
  routeModel: "everyspan.route.model",
  attemptCount: "everyspan.attempts",
  /** USD; their sum is `gen_ai.usage.cost`. */
  costInput: "everyspan.cost.input",
  costOutput: "everyspan.cost.output",
  /** Names of the attributes that a destination's limit cut. */
  cutAttributes: "everyspan.cut_attributes",
  clientDisconnected: "everyspan.client_disconnected",
  interrupted: "everyspan.interrupted",
} as const;

/** Keys that are doubles, by the conventions or as ours: a whole number must not go out as an integer. */
export const doubleAttributes: ReadonlySet<string> = new Set<string>([
  attr.requestTemperature,
  attr.requestTopP,
  attr.requestFrequencyPenalty,
  attr.requestPresencePenalty,
  attr.responseTimeToFirstChunk,
  attr.usageCost,
  attr.costInput,
  attr.costOutput,
  attr.guardrailDuration,
]);
