// The pool of worker threads: tasks go in through Piscina, stream messages come back over one port per
// worker. The only home of piscina. Its `signal` is never used: it would kill the thread and everybody
// on it, so a cancel is a message. A thread is ended in one case only: its loop has stopped turning.

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
import type { Clock } from "../tracing/recorder/clock.ts";
import { createWorkerWatch, lookEveryMs } from "./worker-watch.ts";

/** What a call hears from its worker while it streams. `credit` answers the worker it came from. */
export interface StreamListener {
  readonly receive: (message: WorkerMessage, credit: (bytes: number) => void) => void;
}

export interface WorkerPool {
  /** Resolves when every thread has started and can take a call; rejects when one cannot start. */
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
  /** Threads that can take a call; fewer than configured while one is being replaced. */
  readonly threads: () => number;
  readonly queued: () => number;
  readonly restarts: () => number;
  readonly stop: () => Promise<void>;
}

const startWithinMs = 30_000;

export function createWorkerPool(options: {
  readonly entry: string;
  readonly start: WorkerStart;
  readonly pool: PoolConfig;
  readonly clock: Clock;
  readonly notice: (level: "warning" | "error", text: string) => void;
}): WorkerPool {
  const { pool: settings, notice } = options;
  const ports = new Map<number, MessagePort>();
  const listeners = new Map<string, StreamListener>();
  let started = 0;
  let stopping = false;
  /** Told once, however many calls it takes along. */
  let lastBreak = "";
  const ready = Promise.withResolvers<void>();
  const watch = createWorkerWatch({
    clock: options.clock,
    stallTimeoutMs: settings.stallTimeoutMs,
    onStalled(thread, silentMs) {
      notice("error", `a worker thread has not answered for ${silentMs | 0} ms, replacing it`);
      // Its tasks reject, and the pool starts another: the one case in which a busy thread is ended.
      void pool.threads.find(({ threadId }) => threadId === thread)?.terminate();
    },
  });
  const callsPerThread = settings.strict ? 1 : settings.callsPerThread;
  const pool = new Piscina({
    filename: options.entry,
    minThreads: settings.threads,
    maxThreads: settings.threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    concurrentTasksPerWorker: callsPerThread,
    loadBalancer: (_, threads) => leastBusy(threads, callsPerThread, watch.isLate),
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
    watch.add(threadId, message.beats);
    started++;
    if (started === settings.threads) ready.resolve();
    port.on("message", (received: WorkerMessage) => {
      const credit = (bytes: number): void => {
        port.postMessage({ kind: "credit", call: received.call, bytes } satisfies ServerMessage);
      };
      try {
        listeners.get(received.call)?.receive(received, credit);
      } catch (error) {
        // A throw in a port's handler would end the process.
        notice("error", `a bug in everyspan: ${String(error)}`);
      }
    });
    port.on("close", () => gone(threadId));
  });
  // A thread that breaks with calls on it rejects those instead of telling it here.
  pool.on("error", (error: unknown) => {
    notice("error", `a worker thread broke: ${String(error)}`);
    ready.reject(error); // changes nothing once it is ready
  });
  pool.on("workerDestroy", ({ id }: { readonly id: number }) => gone(id));
  const looking = setInterval(watch.look, lookEveryMs);
  const impatience = setTimeout(() => {
    ready.reject(new Error(`only ${started} of ${settings.threads} started in time`));
  }, startWithinMs);
  const calm = (): void => clearTimeout(impatience);
  void ready.promise.then(calm, calm);

  function gone(thread: number): void {
    ports.delete(thread);
    watch.remove(thread);
  }

  return {
    ready: ready.promise,
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
        if (!stopping && message !== lastBreak)
          notice("error", `a worker thread broke: ${message}`);
        lastBreak = message;
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
      clearInterval(looking);
      calm();
      await pool.destroy();
    },
  };
}

/** As Piscina has it, but that a thread whose loop does not turn gets new calls only if no other can. */
function leastBusy<T extends { readonly id: number; readonly currentUsage: number }>(
  threads: readonly T[],
  callsMax: number,
  isLate: (thread: number) => boolean,
): T | null {
  let chosen: T | null = null;
  let chosenIsLate = true;
  for (const thread of threads) {
    if (thread.currentUsage >= callsMax) continue;
    const late = isLate(thread.id);
    const isWorse =
      late === chosenIsLate ? thread.currentUsage >= (chosen?.currentUsage ?? callsMax) : late;
    if (isWorse) continue;
    chosen = thread;
    chosenIsLate = late;
  }
  return chosen;
}
