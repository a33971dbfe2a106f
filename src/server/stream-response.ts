// A streamed reply on the server thread: parts from the worker to the client, credit back as the client
// takes them. The last bytes wait for the commit. Nothing here looks into what passes.

import { fromBinary } from "../protocol/binary-string.ts";

export interface StreamSink {
  readonly stream: ReadableStream<Uint8Array>;
  /** Adds bytes (a binary string); ignored once the client has left. */
  readonly write: (text: string, credit: (bytes: number) => void) => void;
  /** Adds the last bytes and closes. */
  readonly end: (text: string) => void;
  /** Breaks the connection off: all that bytes which are no events can say of not being whole. */
  readonly breakOff: () => void;
  /** Whether the client has left. */
  readonly gone: () => boolean;
}

/** Credit is returned in lumps, so that a stream does not cost a message per part. */
const creditLumpBytes = 64 * 1024;

/** `onGone` is told, once, that the client has left before the end. */
export function createStreamSink(onGone: () => void): StreamSink {
  let gone = false;
  let ended = false;
  let isBroken = false;
  let controller: ReadableStreamDirectController | undefined;
  let returnCredit: ((bytes: number) => void) | undefined;
  /** What came before the client was there to take it. */
  let early = "";
  let takenBytes = 0;
  /** Written, but not yet taken by the socket. */
  let stuckBytes = 0;
  const sent = Promise.withResolvers<void>();

  function leave(): void {
    sent.resolve();
    if (gone || ended) return;
    gone = true;
    onGone();
  }

  function taken(bytes: number): void {
    takenBytes += bytes;
    if (takenBytes < creditLumpBytes) return;
    returnCredit?.(takenBytes);
    takenBytes = 0;
  }

  function unstick(): void {
    const bytes = stuckBytes;
    stuckBytes = 0;
    taken(bytes);
  }

  function put(text: string): void {
    if (controller === undefined) {
      early += text;
      return;
    }
    // ASCII is its own UTF-8, which is as what a string is sent: the bytes need not be copied for it.
    const isAscii = Buffer.byteLength(text) === text.length;
    const written = controller.write(isAscii ? text : fromBinary(text));
    if (typeof written === "number") {
      taken(text.length);
      return;
    }
    // The socket takes no more for now: the promise resolves once it has taken all, this and what follows.
    if (stuckBytes === 0) void written.then(unstick, unstick);
    stuckBytes += text.length;
  }

  function close(): void {
    if (controller === undefined) return;
    if (isBroken) {
      sent.reject(); // with a reason, Bun would print it
      return;
    }
    void controller.end();
    sent.resolve();
  }

  return {
    // Direct: what is written goes to the socket, with no queue and no reads between.
    stream: new ReadableStream<Uint8Array>({
      type: "direct",
      pull(started) {
        controller = started;
        if (early !== "") put(early);
        early = "";
        if (ended) close();
        return sent.promise;
      },
      cancel: leave,
    }),
    write(text, credit) {
      if (gone || ended) return;
      returnCredit = credit;
      try {
        put(text);
      } catch {
        leave(); // the stream was closed under us: the client has left
      }
    },
    end(text) {
      if (gone || ended) return;
      ended = true;
      try {
        if (text !== "") put(text);
        close();
      } catch {
        gone = true; // it left between the last part and this one
      }
    },
    breakOff() {
      if (gone || ended) return;
      ended = true;
      isBroken = true;
      close();
    },
    gone: () => gone,
  };
}
