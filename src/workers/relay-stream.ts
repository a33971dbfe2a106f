// Passes a provider's stream on to the server thread, under credit. Events are split into frames, read for
// what the trace needs, and forwarded byte for byte; the last of them waits in `end` for the commit.
// Frames are binary strings: one char per byte, so that a character split between chunks stays whole.

import { GatewayError, toWireError } from "../errors/gateway-error.ts";
import type { WireError } from "../errors/gateway-error.ts";
import { toBinary } from "../protocol/binary-string.ts";
import type { CallResult } from "../protocol/call-task.ts";
import type { Attempt } from "./attempts.ts";
import { brokenBody } from "./broken-body.ts";
import type { CallState, WorkerDeps } from "./call-state.ts";
import type { CallGuardrails } from "./call-guardrails.ts";
import { errorEvent } from "./error-event.ts";
import { failedCall, finishCall } from "./finish-call.ts";
import { pumpGuarded } from "./guarded-pump.ts";
import { createAnthropicStreamReader } from "./providers/anthropic/stream-reader.ts";
import { createOpenAIStreamReader } from "./providers/openai/stream-reader.ts";
import { createChunkReader } from "./providers/chunk-reader.ts";
import { createPlainStreamReader } from "./providers/plain-stream-reader.ts";
import type { FrameReading, StreamReader } from "./providers/stream-reader.ts";
import { addsStreamUsage } from "./upstream-body.ts";
import { replyHeaders } from "./upstream-headers.ts";

/** One event of a provider; larger is no event but a mistake. */
const frameCharsMax = 16 * 1024 * 1024;
/** A stream may be silent for longer than a plain answer may take: ten minutes by default, and some. */
const streamSilenceFactor = 1.5;
/** How long a provider may take to close a stream that has ended, before its connection is dropped. */
const closeWithinMs = 1000;

interface Relay {
  readonly state: CallState;
  readonly attempt: Attempt;
  readonly deps: WorkerDeps;
  readonly reader: StreamReader;
  firstContentMs: number | undefined;
  /** Under guardrails, and of bytes, the head waits for the first part that may leave. */
  hasHead: boolean;
  /** The provider's own error event, by its type. */
  errorType: string | undefined;
}

export async function relayEvents(
  state: CallState,
  attempt: Attempt,
  deps: WorkerDeps,
): Promise<CallResult> {
  const relay: Relay = {
    state,
    attempt,
    deps,
    reader: createReader(state),
    firstContentMs: undefined,
    hasHead: false,
    errorType: undefined,
  };
  if (state.guardrails?.checksReplies === true) return relayGuarded(relay, state.guardrails);
  postHead(relay);
  try {
    const last = await pumpEvents(relay);
    endWell(relay, last);
  } catch (error) {
    endBadly(relay, toWireError(error));
  }
  return { kind: "streamed" };
}

/** As {@link relayEvents}; what ends the stream before its head has gone is a plain refusal. */
async function relayGuarded(relay: Relay, guardrails: CallGuardrails): Promise<CallResult> {
  const { state, attempt, deps, reader } = relay;
  const chunks = readChunks(relay);
  try {
    const last = await pumpGuarded({
      chunks,
      held: guardrails.holdStream(),
      read: (frame) => readFrameOf(relay, frame),
      post: (text) => postPart(relay, text),
      drain: () => drain(relay, chunks),
      assertComplete: () => assertComplete(relay),
      frameCharsMax,
    });
    if (!relay.hasHead) postHead(relay);
    endWell(relay, last);
  } catch (error) {
    if (!relay.hasHead) {
      attempt.abort();
      attempt.settle();
      return failedCall(state, error, { reply: reader.facts(), deps });
    }
    endBadly(relay, toWireError(error));
  }
  return { kind: "streamed" };
}

/**
 * Bytes that are no events and no JSON: passed on as they come, `chunks` first. What breaks off before any of
 * them has gone is a plain refusal; later the server breaks the connection off, for bytes have no error event.
 */
export async function relayBytes(
  state: CallState,
  attempt: Attempt,
  { chunks, deps }: { readonly chunks: readonly Uint8Array[]; readonly deps: WorkerDeps },
): Promise<CallResult> {
  const relay: Relay = {
    state,
    attempt,
    deps,
    reader: createPlainStreamReader(),
    firstContentMs: undefined,
    hasHead: false,
    errorType: undefined,
  };
  try {
    // One chunk is kept back, so that the last one waits for the commit.
    let held = "";
    for (const chunk of chunks) {
      postPart(relay, held);
      held = toBinary(chunk);
    }
    for await (const chunk of readChunks(relay)) {
      postPart(relay, held);
      held = toBinary(chunk);
    }
    if (!relay.hasHead) postHead(relay);
    endWell(relay, held);
  } catch (error) {
    if (!relay.hasHead) {
      attempt.abort();
      attempt.settle();
      return failedCall(state, error, { deps });
    }
    endBadly(relay, toWireError(error));
  }
  return { kind: "streamed" };
}

/** Forwards events until the stream has ended; what must wait for the commit is returned. */
async function pumpEvents(relay: Relay): Promise<string> {
  const events = createChunkReader(relay.reader, frameCharsMax);
  const chunks = readChunks(relay);
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) break;
    const reading = events.read(toBinary(next.value));
    note(relay, reading);
    postPart(relay, reading.forward);
    if (reading.last === undefined) continue;
    drain(relay, chunks);
    return reading.last;
  }
  const rest = events.readRest();
  if (rest !== undefined) note(relay, rest);
  if (rest?.terminal !== true) assertComplete(relay);
  return rest?.forward ?? "";
}

function note(
  relay: Relay,
  reading: { readonly content: boolean; readonly error?: string | undefined },
): void {
  if (reading.error !== undefined) relay.errorType = reading.error;
  if (reading.content) relay.firstContentMs ??= relay.deps.clock();
}

function readFrameOf(relay: Relay, frame: string): FrameReading {
  const reading = relay.reader.read(frame);
  note(relay, reading);
  return reading;
}

/** A stream that closes without its proper end was cut, however politely. */
function assertComplete(relay: Relay): void {
  if (relay.state.facts === undefined || relay.reader.complete()) return;
  relay.state.spans.fail(relay.attempt.span, "provider_cut");
  throw new GatewayError(
    "provider_cut",
    `provider ${relay.state.provider.name} closed its stream before the end`,
  );
}

async function* readChunks({ state, attempt }: Relay): AsyncGenerator<Uint8Array, void> {
  const body = attempt.response.body;
  if (body === null) return;
  const reader = body.getReader();
  for (;;) {
    const credit = state.window.ready();
    if (credit !== undefined) {
      attempt.settle(); // while the client is slow, the provider's silence is ours
      await credit;
    }
    attempt.expectMore(state.provider.timeoutMs * streamSilenceFactor);
    let next: Awaited<ReturnType<typeof reader.read>>;
    try {
      next = await reader.read();
    } catch (error) {
      throw brokenBody(state, attempt, error);
    }
    attempt.settle();
    if (next.done) return;
    yield next.value;
  }
}

/** The stream has ended by its own account: let the provider close, so that the connection is kept. */
function drain({ state, attempt }: Relay, chunks: AsyncGenerator<Uint8Array, void>): void {
  state.window.close(); // nobody will send credit any more
  const timer = setTimeout(attempt.abort, closeWithinMs);
  const readOn = async (): Promise<void> => {
    try {
      while ((await chunks.next()).done !== true);
    } catch {
      // nothing depends on what comes after the end
    } finally {
      clearTimeout(timer);
    }
  };
  void readOn();
}

function endWell(relay: Relay, text: string): void {
  const { state, attempt, deps } = relay;
  const { status } = attempt.response;
  state.capture?.part(text);
  if (relay.errorType !== undefined) state.spans.fail(attempt.span, relay.errorType);
  state.spans.end(attempt.span);
  const errorType = relay.errorType ?? (status >= 400 ? String(status) : undefined);
  const outcome = finishCall(
    state,
    {
      ...(state.facts !== undefined && { reply: relay.reader.facts() }),
      ...(errorType !== undefined && { errorType }),
      firstContentMs: relay.firstContentMs,
    },
    deps,
  );
  deps.post({ kind: "end", call: state.task.call, text, errorCode: "", ...outcome });
}

function endBadly(relay: Relay, failure: WireError): void {
  const { state, attempt, deps } = relay;
  attempt.abort();
  attempt.settle();
  const outcome = finishCall(
    state,
    {
      ...(state.facts !== undefined && { reply: relay.reader.facts() }),
      failure,
      firstContentMs: relay.firstContentMs,
    },
    deps,
  );
  const text = failure.code === "client_disconnected" ? "" : errorEvent(state.task.route, failure);
  deps.post({ kind: "end", call: state.task.call, text, errorCode: failure.code, ...outcome });
}

function postHead(relay: Relay): void {
  const { state, attempt, deps } = relay;
  relay.hasHead = true;
  deps.post({
    kind: "head",
    call: state.task.call,
    status: attempt.response.status,
    headers: JSON.stringify(replyHeaders(attempt.response.headers)),
  });
}

function postPart(relay: Relay, text: string): void {
  const { state, deps } = relay;
  if (text === "") return;
  if (!relay.hasHead) postHead(relay);
  state.window.spend(text.length);
  state.capture?.part(text);
  deps.post({ kind: "part", call: state.task.call, text });
}

function createReader({ facts, provider }: CallState): StreamReader {
  if (facts === undefined) return createPlainStreamReader();
  if (provider.api === "anthropic") return createAnthropicStreamReader();
  return createOpenAIStreamReader({ hideUsage: addsStreamUsage(provider, facts) });
}
