// The pool of worker threads: tasks go in through Piscina, stream messages come back over one port per
// worker. The only home of piscina. Its `signal` is never used: it would kill the thread and everybody
// on it, so a cancel is a message.

import type { MessagePort } from "node:worker_threads";

import { Piscina } from "piscina";

import type { PoolConfig } from "../config/schema.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { ErrorCode } from "../errors/gateway-error.ts";
import type {
  CallResult,
  CallTask,
  ServerMessage,
  WorkerHello,
  WorkerMessage,
  WorkerStart,
} from "../protocol/call-task.ts";

/** What a call hears from its worker while it streams. `credit` answers the worker it came from. */
export interface StreamListener {
  readonly receive: (message: WorkerMessage, credit: (bytes: number) => void) => void;
}

export interface WorkerPool {
  /** Resolves when every thread has started and can take a call. */
  readonly ready: Promise<void>;
  /**
   * Runs a call; `listener` hears its stream messages until the promise settles and its `end` has come.
   *
   * @throws GatewayError `overloaded` when the queue is full, `worker_lost` when the thread died
   */
  readonly run: (task: CallTask, listener: StreamListener) => Promise<CallResult>;
  /** No more messages of this call are wanted. */
  readonly forget: (call: string) => void;
  readonly cancel: (call: string, code: ErrorCode) => void;
  readonly threads: () => number;
  readonly queued: () => number;
  readonly restarts: () => number;
  readonly stop: () => Promise<void>;
}

export function createWorkerPool(options: {
  readonly entry: string;
  readonly start: WorkerStart;
  readonly pool: PoolConfig;
}): WorkerPool {
  const { pool: settings } = options;
  const ports = new Map<number, MessagePort>();
  const listeners = new Map<string, StreamListener>();
  let started = 0;
  let stopping = false;
  let settleReady: () => void;
  const ready = new Promise<void>((resolve) => {
    settleReady = resolve;
  });
  const pool = new Piscina({
    filename: options.entry,
    minThreads: settings.threads,
    maxThreads: settings.threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    concurrentTasksPerWorker: settings.strict ? 1 : settings.callsPerThread,
    maxQueue: settings.queue,
    // The default blocks an idle worker's event loop, and with it every stream on it.
    atomics: "disabled",
    recordTiming: false,
    workerData: options.start,
  });

  pool.on("message", (message: WorkerHello & { readonly port: MessagePort }) => {
    if (message.kind !== "hello") return;
    const { port, threadId } = message;
    ports.set(threadId, port);
    started++;
    if (started === settings.threads) settleReady();
    port.on("message", (received: WorkerMessage) => {
      const credit = (bytes: number): void => {
        port.postMessage({ kind: "credit", call: received.call, bytes } satisfies ServerMessage);
      };
      listeners.get(received.call)?.receive(received, credit);
    });
    port.on("close", () => ports.delete(threadId));
  });
  // The tasks of a broken thread reject by themselves; this only keeps the event from being unhandled.
  pool.on("error", () => undefined);

  return {
    ready,
    async run(task, listener) {
      listeners.set(task.call, listener);
      try {
        return (await pool.run(task)) as CallResult;
      } catch (error) {
        listeners.delete(task.call);
        const message = error instanceof Error ? error.message : String(error);
        if (/task queue/i.test(message)) {
          throw new GatewayError("overloaded", "the queue is full", { cause: error });
        }
        throw new GatewayError(
          stopping ? "draining" : "worker_lost",
          "the thread that ran this call is gone",
          { cause: error },
        );
      }
    },
    forget: (call) => void listeners.delete(call),
    cancel(call, code) {
      const message: ServerMessage = { kind: "cancel", call, code };
      for (const port of ports.values()) port.postMessage(message);
    },
    threads: () => ports.size,
    queued: () => pool.queueSize,
    restarts: () => Math.max(0, started - settings.threads),
    async stop() {
      stopping = true;
      await pool.destroy();
    },
  };
}
