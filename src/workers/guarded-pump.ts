// Pumps a guarded stream: frames in from the provider, out to the client only once they have been checked.
// Worker threads. While a check runs nothing is read, so that a slow guardrail slows the provider.

import { createFrameSplitter } from "../apischema/sse-frames.ts";
import { toBinary } from "../protocol/binary-string.ts";
import type { HeldFrames } from "./guardrails/held-frames.ts";
import type { FrameReading } from "./providers/stream-reader.ts";

export interface GuardedPump {
  readonly chunks: AsyncGenerator<Uint8Array, void>;
  readonly read: (frame: string) => FrameReading;
  readonly held: HeldFrames;
  /** Lets a part go to the client; never called with "". */
  readonly post: (text: string) => void;
  /** Told when the stream has ended by its own account. */
  readonly drain: () => void;
  /** @throws GatewayError when the stream closed before its end */
  readonly assertComplete: () => void;
  readonly frameCharsMax: number;
}

/**
 * Runs until the stream has ended and all of it is checked. What must wait for the commit is returned.
 *
 * @throws GatewayError what a guardrail or the provider ended it with
 */
export async function pumpGuarded(pump: GuardedPump): Promise<string> {
  const { chunks, held } = pump;
  const splitter = createFrameSplitter({ frameCharsMax: pump.frameCharsMax });
  const post = (text: string): void => {
    if (text !== "") pump.post(text);
  };
  let pending: ReturnType<typeof chunks.next> | undefined;
  for (;;) {
    pending ??= chunks.next();
    const next = await soonest(pending, held.dueMs());
    if (next === "due") {
      post(await held.settle(false));
      continue;
    }
    pending = undefined;
    if (next.done === true) break;
    for (const frame of splitter.push(toBinary(next.value))) {
      const reading = pump.read(frame);
      held.push(reading.forward);
      if (!reading.terminal) continue;
      pump.drain();
      return lastOf(await held.settle(true), reading.forward, post);
    }
  }
  const rest = splitter.rest();
  const reading = rest === "" ? undefined : pump.read(rest);
  if (reading?.terminal !== true) pump.assertComplete();
  held.push(reading?.forward ?? "");
  return lastOf(await held.settle(true), reading?.forward ?? "", post);
}

/** All that is checked may leave, but for the very last frame. */
function lastOf(text: string, last: string, post: (text: string) => void): string {
  if (last === "" || !text.endsWith(last)) return text;
  post(text.slice(0, text.length - last.length));
  return last;
}

/** The next chunk, or that a check is due first. */
async function soonest<T>(next: Promise<T>, dueMs: number | undefined): Promise<T | "due"> {
  if (dueMs === undefined) return next;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const due = new Promise<"due">((resolve) => {
    timer = setTimeout(() => resolve("due"), dueMs);
  });
  // It may break off while a check runs: whoever awaits it next is told.
  next.catch(() => undefined);
  try {
    return await Promise.race([next, due]);
  } finally {
    clearTimeout(timer);
  }
}
