// Tests: one stored call with everything a dialect may meet, always the same bytes: a streamed call under a
// caller's span, with a guardrail that allowed, an attempt that failed, one that did not, and a block after.

import { attr } from "../../src/tracing/recorder/semconv.ts";
import { encodeSpan } from "./reference-encoding.ts";
import {
  SpanKind,
  StatusCode,
  type Attributes,
  type EncodableSpan,
} from "../../src/tracing/recorder/span-encoding.ts";

export const callerSpanId = "00f067aa0ba902b7";
export const storedTraceId = "4bf92f3577b34da6a3ce929d0e0e4736";

export interface StoredCallShape {
  /** Messages are recorded. */
  readonly content?: boolean;
  /** The caller sent no traceparent. */
  readonly isRoot?: boolean;
  /** The guardrail after the call let it pass. */
  readonly passes?: boolean;
  /** Laid over the chat span's attributes; undefined removes one. */
  readonly chat?: Attributes;
}

const anchorMs = Date.UTC(2026, 10, 21, 9, 0, 0);

const inputMessages = `[{"role":"user","parts":[{"type":"text","content":"Où est Zoé?"}]}]`;
const outputMessages =
  `[{"role":"assistant","parts":[{"type":"text","content":"In Paris."}],` +
  `"finish_reason":"stop"}]`;

/** Concatenated ScopeSpans.spans entries, as the ledger has them. */
export function storedCall(shape: StoredCallShape = {}): Uint8Array {
  const content = (attributes: Attributes): Attributes =>
    shape.content === true ? attributes : {};
  const blocks = shape.passes !== true;
  const spans = [
    span(1, callerSpanId, "POST /v1/messages", SpanKind.server, {
      parentIsRemote: true,
      ...(shape.isRoot === true && { parentSpanId: "", parentIsRemote: false }),
      attributes: {
        [attr.httpRequestMethod]: "POST",
        [attr.httpRoute]: "/v1/messages",
        [attr.httpResponseStatusCode]: 200,
        [attr.callId]: "0199f3c0-0000-7000-8000-000000000001",
      },
    }),
    span(2, spanId(1), "auth", SpanKind.internal, {
      attributes: { [attr.authOutcome]: "accepted", [attr.keyName]: "team-a" },
    }),
    span(3, spanId(1), "pre_call", SpanKind.internal, {
      attributes: { [attr.provider]: "anthropic" },
    }),
    span(4, spanId(1), "chat claude-haiku-4-5", SpanKind.client, {
      attributes: {
        [attr.operationName]: "chat",
        [attr.providerName]: "anthropic",
        [attr.requestModel]: "claude-haiku-4-5",
        [attr.requestStream]: true,
        [attr.conversationId]: "session-7",
        [attr.responseId]: "msg_1",
        [attr.responseModel]: "claude-haiku-4-5-20251001",
        [attr.responseFinishReasons]: ["stop"],
        [attr.responseTimeToFirstChunk]: 0.25,
        [attr.usageInputTokens]: 1000,
        [attr.usageOutputTokens]: 500,
        [attr.usageCacheReadTokens]: 300,
        [attr.usageCacheWriteTokens]: 200,
        [attr.usageReasoningTokens]: 120,
        [attr.usageCost]: 0.00328,
        [attr.costInput]: 0.00078,
        [attr.costOutput]: 0.0025,
        ...content({
          [attr.systemInstructions]: `[{"type":"text","content":"Be brief."}]`,
          [attr.inputMessages]: inputMessages,
          [attr.outputMessages]: outputMessages,
        }),
        ...(blocks && { [attr.errorType]: "guardrail_blocked" }),
        ...shape.chat,
      },
      ...(blocks && { statusCode: StatusCode.error, statusMessage: "blocked by toxicity" }),
    }),
    span(5, spanId(4), "apply_guardrail pii", SpanKind.internal, {
      attributes: {
        [attr.guardrailName]: "pii",
        [attr.guardrailStage]: "pre_call",
        [attr.guardrailVerdict]: "allow",
        ...content({ [attr.guardrailInput]: `["Où est Zoé?"]` }),
      },
    }),
    span(6, spanId(4), "POST", SpanKind.client, {
      attributes: {
        [attr.httpRequestMethod]: "POST",
        [attr.httpResponseStatusCode]: 429,
        [attr.errorType]: "429",
      },
      statusCode: StatusCode.error,
    }),
    span(7, spanId(4), "POST", SpanKind.client, {
      attributes: {
        [attr.httpRequestMethod]: "POST",
        [attr.httpResponseStatusCode]: 200,
        [attr.httpRequestResendCount]: 1,
      },
    }),
    span(8, spanId(4), "apply_guardrail toxicity", SpanKind.client, {
      attributes: {
        [attr.guardrailName]: "toxicity",
        [attr.guardrailStage]: "post_call",
        [attr.guardrailVerdict]: blocks ? "block" : "allow",
        ...content({ [attr.guardrailInput]: `["In Paris."]` }),
      },
    }),
  ];
  return new Uint8Array(Buffer.from(spans.join(""), "latin1"));
}

export function spanId(index: number): string {
  return index.toString(16).padStart(16, "0");
}

type Rest = Partial<EncodableSpan> & Pick<EncodableSpan, "attributes">;

function span(
  index: number,
  parentSpanId: string,
  name: string,
  ...[kind, rest]: [kind: SpanKind, rest: Rest]
): string {
  return encodeSpan(
    {
      traceId: storedTraceId,
      spanId: spanId(index),
      parentSpanId,
      traceState: "vendor=opaque",
      traceFlags: 1,
      parentIsRemote: false,
      name,
      kind,
      startMs: anchorMs + index,
      endMs: anchorMs + 1000 - index,
      statusCode: StatusCode.unset,
      statusMessage: "",
      ...rest,
    },
    { [attr.sessionId]: "session-7", [attr.userId]: "user-42" },
  );
}
