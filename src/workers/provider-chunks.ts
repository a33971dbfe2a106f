// The body of a provider's stream as it arrives: read under the client's credit and within the provider's time.
// Worker thread; one per stream. What is there already costs no promise and no timer.

import type { Attempt } from "./attempts.ts";
import { brokenBody } from "./broken-body.ts";
import type { CallState } from "./call-state.ts";

export interface ProviderChunks {
  /**
   * What has arrived, undefined at the end: at once where something is there, else a promise.
   *
   * @throws GatewayError when the body breaks off, or rejects with it
   */
  readonly next: () => Arrived | Promise<Arrived>;
  /** The same, chunk by chunk. */
  readonly each: () => AsyncGenerator<Uint8Array, void>;
  /** The stream has ended by its own account: lets the provider close, so that the connection is kept. */
  readonly drain: () => void;
}

/** Bun's own way to read: a promise only where nothing has arrived. The types have it for no reader we get. */
interface ManyReader {
  readonly readMany: () => Many | Promise<Many>;
}
type Many = Bun.ReadableStreamDefaultReadManyResult<Uint8Array>;

export type Arrived = readonly Uint8Array[] | undefined;

/** A stream may be silent for longer than a plain answer may take: ten minutes by default, and some. */
const streamSilenceFactor = 1.5;
/** How long a provider may take to close a stream that has ended, before its connection is dropped. */
const closeWithinMs = 1000;

export function createProviderChunks(state: CallState, attempt: Attempt): ProviderChunks {
  const { window } = state;
  const reader = attempt.response.body?.getReader() as unknown as ManyReader | undefined;

  function next(): Arrived | Promise<Arrived> {
    const credit = window.ready();
    if (credit === undefined) return read();
    attempt.settle(); // while the client is slow, the provider's silence is ours
    return credit.then(read);
  }

  function read(): Arrived | Promise<Arrived> {
    try {
      const arriving = reader?.readMany();
      if (arriving instanceof Promise) return arrival(arriving);
      return arriving?.done === false ? arriving.value : undefined;
    } catch (error) {
      throw brokenBody(state, attempt, error);
    }
  }

  async function arrival(arriving: Promise<Many>): Promise<Arrived> {
    attempt.expectMore(state.provider.timeoutMs * streamSilenceFactor);
    try {
      const { done, value } = await arriving;
      return done ? undefined : value;
    } catch (error) {
      throw brokenBody(state, attempt, error);
    } finally {
      attempt.settle();
    }
  }

  async function readOn(): Promise<void> {
    try {
      while ((await reader?.readMany())?.done === false);
    } catch {
      // nothing depends on what comes after the end
    } finally {
      attempt.settle();
    }
  }

  return {
    next,
    async *each() {
      for (;;) {
        const arrived = await next();
        if (arrived === undefined) return;
        yield* arrived;
      }
    },
    drain() {
      window.close(); // nobody will send credit any more
      attempt.expectMore(closeWithinMs);
      void readOn();
    },
  };
}
