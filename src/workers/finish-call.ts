// The end of a call's spans on a worker, whichever way it went: one exit for all of them.

import { GatewayError, toWireError } from "../errors/gateway-error.ts";
import type { WireError } from "../errors/gateway-error.ts";
import type { CallOutcome, CallResult } from "../protocol/call-task.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import type { CallState, WorkerDeps } from "./call-state.ts";
import { addReplyAttributes } from "./chat-span.ts";
import type { Price } from "./cost.ts";
import type { ReplyFacts } from "./providers/reply-facts.ts";

export interface Ending {
  /** What the reply said, as far as it came. */
  readonly reply?: ReplyFacts;
  /** Why the call failed; a client's leaving counts as no error of the call. */
  readonly failure?: WireError;
  /** `error.type` for a reply that is itself an error: the provider's status or code. */
  readonly errorType?: string;
  readonly firstContentMs?: number | undefined;
}

/** Ends whatever is open and says how the call went. */
export function finishCall(state: CallState, ending: Ending, deps: WorkerDeps): CallOutcome {
  const { spans, chat, facts, guardrails } = state;
  guardrails?.close();
  const { reply, failure } = ending;
  const left = failure?.code === "client_disconnected";
  const errorType = left ? "" : (failure?.code ?? ending.errorType ?? reply?.errorType ?? "");
  const price = priceOf(state, reply, deps);
  const timeToFirstChunkSeconds =
    ending.firstContentMs === undefined
      ? undefined
      : Math.max(0, ending.firstContentMs - state.startedMs) / 1000;
  if (chat !== undefined) {
    if (reply !== undefined || state.attempts > 1) {
      const isOpenAI = state.provider.api === "openai";
      const extra = { price, attempts: state.attempts, isOpenAI, timeToFirstChunkSeconds };
      addReplyAttributes(chat.attributes, reply ?? { finishReasons: [] }, extra);
    }
    if (state.capture !== undefined) Object.assign(chat.attributes, state.capture.attributes());
    if (left) chat.attributes[attr.clientDisconnected] = true;
    if (errorType !== "") spans.fail(chat, errorType, spanMessage(state, failure));
  }
  spans.endAll();
  const usage = reply?.usage;
  return {
    spans: spans.encode(state.common),
    spanCount: spans.count(),
    lastEndMs: spans.lastEndMs(),
    errorType: left ? "client_disconnected" : errorType,
    responseModel: reply?.model ?? facts?.model ?? "",
    inputTokens: usage?.inputTokens ?? -1,
    outputTokens: usage?.outputTokens ?? -1,
    cacheReadTokens: usage?.cacheReadTokens ?? -1,
    cacheWriteTokens: usage?.cacheWriteTokens ?? -1,
    reasoningTokens: usage?.reasoningTokens ?? -1,
    cost: price?.total ?? -1,
    timeToFirstChunkSeconds: timeToFirstChunkSeconds ?? -1,
    providerMs: state.firstAttemptMs === undefined ? 0 : deps.clock() - state.firstAttemptMs,
    attempts: state.attempts,
    chatSeconds: chat?.endMs === undefined ? -1 : (chat.endMs - chat.startMs) / 1000,
  };
}

/** A call that ends without a reply; `reply` is what the provider's said, where there was one. */
export function failedCall(
  state: CallState,
  error: unknown,
  { reply, deps }: { readonly reply?: ReplyFacts | undefined; readonly deps: WorkerDeps },
): CallResult {
  const failure = toWireError(error);
  if (!(error instanceof GatewayError)) console.error("everyspan: a bug in a worker:", error);
  const { code, message } = failure;
  return {
    kind: "failed",
    code,
    message,
    outcome: finishCall(state, { failure, ...(reply && { reply }) }, deps),
  };
}

/** A guardrail's reason is for the client: it may quote what must not be on a span. */
function spanMessage({ guardrails }: CallState, failure: WireError | undefined): string {
  if (failure === undefined) return "";
  const isVerdict = failure.code === "guardrail_blocked" || failure.code === "guardrail_failed";
  return isVerdict && guardrails !== undefined ? guardrails.note() : failure.message;
}

function priceOf(
  { facts, provider }: CallState,
  reply: ReplyFacts | undefined,
  deps: WorkerDeps,
): Price | undefined {
  if (facts === undefined || reply?.usage === undefined) return undefined;
  const model = reply.model ?? facts.model;
  return deps.price({ provider: provider.api, model, asked: facts.model, usage: reply.usage });
}
