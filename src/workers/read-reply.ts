// A provider's answer, read in the way its content type asks for: events are passed on as they come, JSON
// is read whole, everything else flows through as bytes. Runs on a worker thread.

import { isUtf8 } from "node:buffer";

import { GatewayError } from "../errors/gateway-error.ts";
import { toBinary } from "../protocol/binary-string.ts";
import type { CallResult } from "../protocol/call-task.ts";
import type { Attempt } from "./attempts.ts";
import { brokenBody } from "./broken-body.ts";
import type { CallState, WorkerDeps } from "./call-state.ts";
import { failedCall, finishCall } from "./finish-call.ts";
import { readAnthropicReply } from "./providers/anthropic/read-reply.ts";
import { readOpenAIReply } from "./providers/openai/read-reply.ts";
import type { ReplyFacts } from "./providers/reply-facts.ts";
import { relayBytes, relayEvents } from "./relay-stream.ts";
import { replyHeaders } from "./upstream-headers.ts";
import { assertUsable, hasNoContent } from "./usable-reply.ts";

/** A plain reply larger than this is not held in memory: it flows through, and its usage is unknown. */
const plainReplyBytesMax = 32 * 1024 * 1024;

/** So little has arrived in a moment or will not at all: it is read in one go, which costs less. */
const briefReplyBytesMax = 64 * 1024;

/** @throws GatewayError when the reply breaks off or cannot be one, before anything was passed on */
export async function readReply(
  state: CallState,
  attempt: Attempt,
  deps: WorkerDeps,
): Promise<CallResult> {
  const { response } = attempt;
  assertUsable(state, attempt);
  const { guardrails } = state;
  if (guardrails !== undefined) {
    attempt.settle(); // the wait for a verdict is not the provider's
    await guardrails.passGate();
    attempt.expectMore(state.provider.timeoutMs);
  }
  const type = (response.headers.get("content-type") ?? "").toLowerCase();
  const isBare = hasNoContent(response.status);
  if (type.startsWith("text/event-stream") && !isBare) return relayEvents(state, attempt, deps);
  const generates = state.facts !== undefined;
  const isJson = isBare || type === "" || type.includes("json");
  if (!generates && !isJson) return relayBytes(state, attempt, { chunks: [], deps });
  const body = await readWhole(state, attempt);
  const isChecked = guardrails?.checksReplies === true && response.status < 400;
  if (body.kind === "too-large") {
    if (isChecked) {
      attempt.abort(); // nobody reads the rest of it
      throw tooLargeToCheck();
    }
    return relayBytes(state, attempt, { chunks: body.chunks, deps });
  }
  const whole = { body: body.bytes, deps };
  return isChecked ? checkedReply(state, attempt, whole) : plainReply(state, attempt, whole);
}

async function checkedReply(
  state: CallState,
  attempt: Attempt,
  { body, deps }: { readonly body: Buffer; readonly deps: WorkerDeps },
): Promise<CallResult> {
  const text = withoutMark(body.toString("utf8"));
  const json = parseJson(text);
  if (state.guardrails === undefined || !isObject(json)) {
    return plainReply(state, attempt, { body, deps });
  }
  let checked: string;
  try {
    checked = await state.guardrails.checkReply(text);
  } catch (error) {
    // What the provider was paid for is recorded, though nobody gets it.
    return failedCall(state, error, { reply: readFacts(state.provider.api, json), deps });
  }
  return plainReply(state, attempt, { body: checked === text ? body : Buffer.from(checked), deps });
}

function plainReply(
  state: CallState,
  attempt: Attempt,
  { body, deps }: { readonly body: Buffer; readonly deps: WorkerDeps },
): CallResult {
  const { response } = attempt;
  const failed = response.status >= 400;
  const text = body.toString("utf8");
  const content = withoutMark(text);
  if (!failed) state.capture?.reply(content);
  // Nothing is asked of a reply that is only forwarded, however large it is.
  const json = state.facts === undefined ? undefined : parseJson(content);
  if (state.facts !== undefined && !failed && response.status < 300 && !isObject(json)) {
    state.spans.fail(attempt.span, "provider_invalid");
    throw new GatewayError(
      "provider_invalid",
      `provider ${state.provider.name} answered ${response.status} with a body that is no JSON object`,
    );
  }
  const reply = state.facts === undefined ? undefined : readFacts(state.provider.api, json);
  const errorType = failed ? String(response.status) : undefined;
  // An error in a reply that says 200 is an error all the same.
  if (!failed && reply?.errorType !== undefined) state.spans.fail(attempt.span, reply.errorType);
  state.spans.end(attempt.span);
  const headers = replyHeaders(response.headers);
  // As text it is sent for less; but a Response names a type for a text that has none.
  const isText = headers["content-type"] !== undefined && isUtf8(body);
  return {
    kind: "reply",
    status: response.status,
    headers: JSON.stringify(headers),
    body: isText ? text : toBinary(body),
    isText,
    outcome: finishCall(
      state,
      { ...(reply && { reply }), ...(errorType !== undefined && { errorType }) },
      deps,
    ),
  };
}

function tooLargeToCheck(): GatewayError {
  return new GatewayError("guardrail_failed", "the reply is too large to be checked");
}

type WholeBody =
  | { readonly kind: "whole"; readonly bytes: Buffer }
  | { readonly kind: "too-large"; readonly chunks: readonly Uint8Array[] };

async function readWhole(state: CallState, attempt: Attempt): Promise<WholeBody> {
  const { response } = attempt;
  const announced = Number(response.headers.get("content-length") ?? Number.NaN);
  if (announced > plainReplyBytesMax) return { kind: "too-large", chunks: [] };
  // Of a compressed body only the compressed size is announced.
  const isBrief = announced <= briefReplyBytesMax && !response.headers.has("content-encoding");
  try {
    if (isBrief) {
      attempt.expectMore(state.provider.timeoutMs);
      const bytes = Buffer.from(await response.arrayBuffer());
      attempt.settle();
      return { kind: "whole", bytes };
    }
    return await collect(attempt, state.provider.timeoutMs);
  } catch (error) {
    throw brokenBody(state, attempt, error);
  }
}

async function collect(attempt: Attempt, withinMs: number): Promise<WholeBody> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const body: ReadableStream<Uint8Array> | null = attempt.response.body;
  const reader = body?.getReader();
  for (;;) {
    attempt.expectMore(withinMs);
    const next = await reader?.read();
    if (next === undefined || next.done) break;
    chunks.push(next.value);
    sizeBytes += next.value.length;
    if (sizeBytes > plainReplyBytesMax) {
      reader?.releaseLock();
      return { kind: "too-large", chunks };
    }
  }
  attempt.settle();
  return { kind: "whole", bytes: Buffer.concat(chunks, sizeBytes) };
}

function readFacts(api: "openai" | "anthropic", json: unknown): ReplyFacts {
  return api === "openai" ? readOpenAIReply(json) : readAnthropicReply(json);
}

/** A byte order mark before JSON is none of it (RFC 8259 §8.1), and clients pass over it. */
function withoutMark(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // judged by the caller: an error page may be anything
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
