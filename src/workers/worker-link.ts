// A worker thread's end of the line to the server thread: the port for stream messages, and the two numbers by
// which the server sees that this thread's loop still turns, and what it holds. Made once, at the thread's entry.

import { MessageChannel, parentPort, threadId } from "node:worker_threads";

import type { ServerMessage, WorkerHello, WorkerMessage } from "../protocol/call-task.ts";
import { writeWorkerMessage } from "../protocol/worker-words.ts";
import type { Word } from "../protocol/words.ts";

export interface WorkerLink {
  /** Sends a message, together with all others of this turn of the loop. */
  readonly post: (message: WorkerMessage) => void;
  /** Says that the loop has turned; to be called from a timer, every few milliseconds. */
  readonly beat: () => void;
}

/** The heap is looked at every so many beats. */
const heapEveryBeats = 20;
const mebibyte = 1024 * 1024;

/**
 * Opens the line and says hello. `receive` must not throw: it would take the thread with it. `isQuiet`: whether so
 * few calls are under way that a message need not wait for others of the same turn.
 */
export function openWorkerLink(
  receive: (message: ServerMessage) => void,
  isQuiet: () => boolean,
): WorkerLink {
  const channel = new MessageChannel();
  const shared = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  const beats = new Int32Array(shared);
  channel.port1.on("message", receive);
  const hello: WorkerHello = { kind: "hello", threadId, beats: shared };
  parentPort?.postMessage({ ...hello, port: channel.port2 }, [channel.port2]);
  let outbox: Word[] = [];
  function flush(): void {
    if (outbox.length === 0) return;
    channel.port1.postMessage(outbox);
    outbox = [];
  }
  return {
    post(message) {
      const isFirst = outbox.length === 0;
      writeWorkerMessage(outbox, message);
      if (isQuiet()) flush();
      else if (isFirst) setImmediate(flush);
    },
    beat() {
      if (Atomics.add(beats, 0, 1) % heapEveryBeats !== 0) return;
      const heapMiB = heapUsedMiB();
      if (heapMiB !== undefined) Atomics.store(beats, 1, heapMiB);
    },
  };
}

/** Undefined where it cannot be told: without a free descriptor the system does not say. */
function heapUsedMiB(): number | undefined {
  try {
    return Math.round(process.memoryUsage().heapUsed / mebibyte);
  } catch {
    return undefined;
  }
}
