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

export function createStreamSink(onGone: () => void): StreamSink {
  let gone = false;
  let ended = false;
  let takenBytes = 0;
  let returnCredit: ((bytes: number) => void) | undefined;
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let sizes: number[] = [];
  const stream = new ReadableStream<Uint8Array>(
    {
      start(started) {
        controller = started;
      },
      // Called when the client has taken what was queued: only then is there credit for more.
      pull() {
        for (const bytes of sizes) takenBytes += bytes;
        sizes = [];
        if (takenBytes < creditLumpBytes) return;
        returnCredit?.(takenBytes);
        takenBytes = 0;
      },
      cancel() {
        leave();
      },
    },
    { highWaterMark: 0 },
  );
  function leave(): void {
    if (gone || ended) return;
    gone = true;
    onGone();
  }
  return {
    stream,
    write(text, credit) {
      if (gone || ended) return;
      returnCredit = credit;
      sizes.push(text.length);
      try {
        controller?.enqueue(fromBinary(text));
      } catch {
        leave(); // the stream was closed under us: the client has left
      }
    },
    end(text) {
      if (gone || ended) return;
      ended = true;
      try {
        if (text !== "") controller?.enqueue(fromBinary(text));
        controller?.close();
      } catch {
        gone = true; // it left between the last part and this one
      }
    },
    breakOff() {
      if (gone || ended) return;
      ended = true;
      try {
        controller?.error(); // with a reason, Bun would print it
      } catch {
        gone = true;
      }
    },
    gone: () => gone,
  };
}
