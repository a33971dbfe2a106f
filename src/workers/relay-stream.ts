// Passes a provider's stream on to the server thread, under credit. Events are split into frames, read for
// what the trace needs, and forwarded byte for byte; the last of them waits in `end` for the commit.
// Frames are binary strings: one char per byte, so that a character split between chunks stays whole.

import { GatewayError, toWireError } from "../errors/gateway-error.ts";
import type { WireError } from "../errors/gateway-error.ts";
import { toBinary } from "../protocol/binary-string.ts";
import type { CallResult } from "../protocol/call-task.ts";
import type { Attempt } from "./attempts.ts";
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
import { createProviderChunks, type ProviderChunks } from "./provider-chunks.ts";
import { createStreamOutlet, type StreamOutlet } from "./stream-outlet.ts";
import { addsStreamUsage } from "./upstream-body.ts";

/** One event of a provider; larger is no event but a mistake. */
const frameCharsMax = 16 * 1024 * 1024;

interface Relay {
  readonly state: CallState;
  readonly attempt: Attempt;
  readonly deps: WorkerDeps;
  readonly reader: StreamReader;
  readonly chunks: ProviderChunks;
  readonly outlet: StreamOutlet;
  firstContentMs: number | undefined;
  /** The provider's own error event, by its type. */
  errorType: string | undefined;
}

export async function relayEvents(
  state: CallState,
  attempt: Attempt,
  deps: WorkerDeps,
): Promise<CallResult> {
  const relay = openRelay(state, attempt, { reader: createReader(state), deps });
  if (state.guardrails?.checksReplies === true) return relayGuarded(relay, state.guardrails);
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
  const { chunks, outlet } = relay;
  try {
    const last = await pumpGuarded({
      chunks: chunks.each(),
      held: guardrails.holdStream(),
      read: (frame) => readFrameOf(relay, frame),
      post(text) {
        outlet.add(text);
        outlet.flush();
      },
      drain: chunks.drain,
      assertComplete: () => assertComplete(relay),
      frameCharsMax,
    });
    outlet.flush();
    endWell(relay, last);
  } catch (error) {
    if (!outlet.isOpen()) return refused(relay, error);
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
  const reader = createPlainStreamReader();
  const relay = openRelay(state, attempt, { reader, deps });
  const { outlet } = relay;
  try {
    // One chunk is kept back, so that the last one waits for the commit.
    let held = "";
    const pass = (chunk: Uint8Array): void => {
      outlet.add(held);
      held = toBinary(chunk);
    };
    chunks.forEach(pass);
    for (;;) {
      let arrived = relay.chunks.next();
      if (arrived instanceof Promise) {
        if (outlet.hasParts()) outlet.flush();
        arrived = await arrived;
      }
      if (arrived === undefined) break;
      arrived.forEach(pass);
    }
    outlet.flush();
    endWell(relay, held);
  } catch (error) {
    if (!outlet.isOpen()) return refused(relay, error);
    endBadly(relay, toWireError(error));
  }
  return { kind: "streamed" };
}

/** Forwards events until the stream has ended; what must wait for the commit is returned. */
async function pumpEvents(relay: Relay): Promise<string> {
  const { chunks, outlet } = relay;
  const events = createChunkReader(relay.reader, frameCharsMax);
  for (;;) {
    let arrived = chunks.next();
    if (arrived instanceof Promise) {
      outlet.flush();
      arrived = await arrived;
    }
    if (arrived === undefined) break;
    for (const chunk of arrived) {
      const reading = events.read(toBinary(chunk));
      note(relay, reading);
      outlet.add(reading.forward);
      if (reading.last === undefined) continue;
      chunks.drain();
      return reading.last;
    }
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

function endWell(relay: Relay, last: string): void {
  const { state, attempt, deps } = relay;
  const { status } = attempt.response;
  state.capture?.part(last);
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
  relay.outlet.end(last, "", outcome);
}

/** Nothing has left yet: a refusal like any other. */
function refused({ state, attempt, deps, reader }: Relay, error: unknown): CallResult {
  attempt.abort();
  attempt.settle();
  return failedCall(state, error, { reply: reader.facts(), deps });
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
  const last = failure.code === "client_disconnected" ? "" : errorEvent(state.task.route, failure);
  relay.outlet.end(last, failure.code, outcome);
}

function openRelay(
  state: CallState,
  attempt: Attempt,
  { reader, deps }: { readonly reader: StreamReader; readonly deps: WorkerDeps },
): Relay {
  return {
    state,
    attempt,
    deps,
    reader,
    chunks: createProviderChunks(state, attempt),
    outlet: createStreamOutlet(state, attempt.response, deps.post),
    firstContentMs: undefined,
    errorType: undefined,
  };
}

function createReader({ facts, provider }: CallState): StreamReader {
  if (facts === undefined) return createPlainStreamReader();
  if (provider.api === "anthropic") return createAnthropicStreamReader();
  return createOpenAIStreamReader({ hideUsage: addsStreamUsage(provider, facts) });
}
