// The pool of worker threads. Piscina starts them, and starts another when one is gone; calls go to them and
// come back over one port per thread. The only home of piscina. Its `signal` is never used: it would kill the
// thread and everybody on it, so a cancel is a message. A thread is ended in two cases only: its loop has
// stopped turning, or it eats up the memory.

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
import { writeTask } from "../protocol/task-words.ts";
import { readWorkerMessages } from "../protocol/worker-words.ts";
import type { Word, Words } from "../protocol/words.ts";
import type { Clock } from "../tracing/recorder/clock.ts";
import { createCallDispatch } from "./call-dispatch.ts";
import type { StreamListener } from "./call-dispatch.ts";
import { createIdleSweep } from "../timers/idle-sweep.ts";
import { createWorkerWatch, lookTimes } from "./worker-watch.ts";

export interface WorkerPool {
  /** Resolves when every thread has started and can take a call; rejects when one cannot start. */
  readonly ready: Promise<void>;
  /**
   * Runs a call; `listener` hears its stream messages until the promise settles and its `end` has come.
   *
   * @throws GatewayError `overloaded` when the queue is full, `worker_lost` when the thread died
   */
  readonly run: (task: CallTask, listener: StreamListener) => Promise<CallResult>;
  readonly cancel: (call: string, code: ErrorCode) => void;
  /** Lets a paced call repeat its refused attempt. */
  readonly resume: (call: string) => void;
  /** Threads that can take a call; fewer than configured while one is being replaced. */
  readonly threads: () => number;
  /** Whether one call more would be refused. */
  readonly isFull: () => boolean;
  readonly restarts: () => number;
  readonly stop: () => Promise<void>;
}

const fewCalls = 4;
const startWithinMs = 30_000;
const reviveEveryMs = 500;
const endWithinMs = 500;
/** Of the memory the process may use: beyond that the kernel would soon end all of it. */
const memoryShare = 0.85;

export function createWorkerPool(options: {
  readonly entry: string;
  readonly start: WorkerStart;
  readonly pool: PoolConfig;
  readonly clock: Clock;
  readonly notice: (level: "warning" | "error", text: string) => void;
  /** Resident memory of the process beyond which a thread that eats it up is replaced. */
  readonly memoryLimitBytes?: number;
}): WorkerPool {
  const { pool: settings, notice } = options;
  const ports = new Map<number, MessagePort>();
  let started = 0;
  let lost = 0;
  let stopping = false;
  let reviveAtMs = 0;
  const ready = Promise.withResolvers<void>();
  const watch = createWorkerWatch({
    clock: options.clock,
    stallTimeoutMs: settings.stallTimeoutMs,
    onStalled(thread, silentMs) {
      notice("error", `a worker thread has not answered for ${silentMs | 0} ms, replacing it`);
      end(thread);
    },
    memoryLimitBytes: options.memoryLimitBytes ?? memoryShare * process.constrainedMemory(),
    residentBytes,
    onHog(thread, heapMiB) {
      notice("error", `memory runs out, replacing a worker thread (its heap: ${heapMiB} MiB)`);
      end(thread);
    },
  });
  const callsPerThread = settings.strict ? 1 : settings.callsPerThread;
  const pool = new Piscina({
    filename: options.entry,
    minThreads: settings.threads,
    maxThreads: settings.threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    // The default blocks an idle worker's event loop, and with it every stream on it.
    atomics: "disabled",
    recordTiming: false,
    workerData: options.start,
  });

  const dispatch = createCallDispatch({
    callsPerThread,
    queueMax: settings.queue,
    atOnceMax: fewCalls,
    isLate: watch.isLate,
    send(thread, tasks) {
      const words: Word[] = [];
      for (const task of tasks) writeTask(words, task);
      ports.get(thread)?.postMessage(words satisfies ServerMessage);
    },
    lost() {
      const code = stopping ? "draining" : "worker_lost";
      return new GatewayError(code, "the thread that ran this call is gone");
    },
  });

  pool.on("message", (message: WorkerHello & { readonly port: MessagePort }) => {
    if (message.kind !== "hello") return;
    const { port, threadId } = message;
    ports.set(threadId, port);
    watch.add(threadId, message.beats);
    started++;
    if (started === settings.threads) ready.resolve();
    dispatch.addThread(threadId);
    port.on("message", (words: Words) => {
      readWorkerMessages(words, (each) => receive(port, each));
    });
    port.on("close", () => gone(threadId));
  });
  pool.on("error", (error: unknown) => {
    notice("error", `a worker thread broke: ${String(error)}`);
    ready.reject(error); // changes nothing once it is ready
  });
  // By now the thread has lost its id, so that the ones to forget are those that Piscina no longer has.
  pool.on("workerDestroy", () => {
    queueMicrotask(() => {
      const alive = new Set(pool.threads.map(({ threadId }) => threadId));
      for (const thread of ports.keys()) if (!alive.has(thread)) gone(thread);
    });
  });
  const looking = createIdleSweep(
    {
      look() {
        watch.look();
        revive();
      },
      isIdle: dispatch.isIdle,
    },
    lookTimes,
  );
  looking.start();
  const impatience = setTimeout(() => {
    ready.reject(new Error(`only ${started} of ${settings.threads} started in time`));
  }, startWithinMs);
  const calm = (): void => clearTimeout(impatience);
  void ready.promise.then(calm, calm);

  function receive(port: MessagePort, message: WorkerMessage): void {
    const credit = (bytes: number): void => {
      port.postMessage({ kind: "credit", call: message.call, bytes } satisfies ServerMessage);
    };
    try {
      dispatch.receive(message, credit);
    } catch (error) {
      // A throw in a port's handler would end the process.
      notice("error", `a bug in everyspan: ${String(error)}`);
    }
  }

  /** Once a replacement has failed to start Piscina makes no more of them, unless it is given work. */
  function revive(): void {
    const nowMs = options.clock();
    if (pool.threads.length > 0 || started < settings.threads || nowMs < reviveAtMs) return;
    reviveAtMs = nowMs + reviveEveryMs;
    pool
      .run(undefined)
      .catch((error: unknown) => notice("error", `no worker thread: ${String(error)}`));
  }

  /** Its calls are told, and the pool starts another: the only way in which a busy thread is ended. */
  function end(thread: number): void {
    gone(thread);
    const worker = pool.threads.find(({ threadId }) => threadId === thread);
    if (worker === undefined) return;
    void worker.terminate();
    // One in a system call that does not return cannot be ended, and Piscina would wait for it: it is told so.
    setTimeout(() => pool.threads.includes(worker) && worker.emit("exit", 1), endWithinMs);
  }

  function gone(thread: number): void {
    if (!ports.delete(thread)) return;
    watch.remove(thread);
    lost++;
    dispatch.removeThread(thread);
  }

  return {
    ready: ready.promise,
    run(task, listener) {
      looking.wake();
      return dispatch.run(task, listener);
    },
    cancel(call, code) {
      if (dispatch.drop(call, new GatewayError(code, "the call was cancelled"))) return;
      const thread = dispatch.threadOf(call);
      const port = thread === undefined ? undefined : ports.get(thread);
      port?.postMessage({ kind: "cancel", call, code } satisfies ServerMessage);
    },
    resume(call) {
      const thread = dispatch.threadOf(call);
      const port = thread === undefined ? undefined : ports.get(thread);
      port?.postMessage({ kind: "resume", call } satisfies ServerMessage);
    },
    threads: () => ports.size,
    isFull: dispatch.isFull,
    restarts: () => lost,
    async stop() {
      stopping = true;
      looking.stop();
      calm();
      const left = Promise.withResolvers<void>();
      const leave = setTimeout(() => {
        for (const thread of ports.keys()) gone(thread);
        left.resolve();
      }, endWithinMs);
      await Promise.race([pool.destroy(), left.promise]);
      clearTimeout(leave);
    },
  };
}

/** 0 where it cannot be told: without a free descriptor the system does not say, and that must end nothing. */
function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}
