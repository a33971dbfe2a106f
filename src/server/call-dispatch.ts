// Which thread gets which call, and what becomes of it. Calls of one turn of the loop go to a thread as one
// batch, because a message costs more than what is in it. Bounded: past the queue a call is refused.
// Knows threads by number only; the pool does the sending.

import { createTransientMap } from "../collections/transient-map.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { CallResult, CallTask, StreamMessage, WorkerMessage } from "../protocol/call-task.ts";

/** What a call hears from its worker while it streams. `credit` answers the worker it came from. */
export interface StreamListener {
  readonly receive: (message: StreamMessage, credit: (bytes: number) => void) => void;
}

export interface CallDispatch {
  /** @throws GatewayError `overloaded` when the queue is full, `worker_lost` when the thread died */
  readonly run: (task: CallTask, listener: StreamListener) => Promise<CallResult>;
  /** Hands a thread's message to its call. */
  readonly receive: (message: WorkerMessage, credit: (bytes: number) => void) => void;
  readonly addThread: (thread: number) => void;
  /** The thread is gone: its calls are told that they are lost. */
  readonly removeThread: (thread: number) => void;
  /** The thread a call is on; undefined while it waits or once it has ended. */
  readonly threadOf: (call: string) => number | undefined;
  /** Takes a waiting call out of the queue; false when it is on a thread or gone. */
  readonly drop: (call: string, error: GatewayError) => boolean;
  readonly queued: () => number;
  /** Whether no call is on a thread or waiting for one. */
  readonly isIdle: () => boolean;
  /** Whether one call more would be refused. */
  readonly isFull: () => boolean;
}

export interface DispatchOptions {
  readonly callsPerThread: number;
  readonly queueMax: number;
  /** With so few calls in flight none waits for the end of the turn: its batch would have one call anyway. */
  readonly atOnceMax: number;
  /** Whether a thread should get new calls only if no other can take them. */
  readonly isLate: (thread: number) => boolean;
  readonly send: (thread: number, tasks: readonly CallTask[]) => void;
  /** What a lost thread's calls are told. */
  readonly lost: () => GatewayError;
}

interface Entry {
  readonly task: CallTask;
  readonly listener: StreamListener;
  readonly resolve: (result: CallResult) => void;
  readonly reject: (error: GatewayError) => void;
  thread: number | undefined;
}

export function createCallDispatch(options: DispatchOptions): CallDispatch {
  const calls = createTransientMap<string, Entry>();
  /** Calls on each thread. */
  const busy = new Map<number, number>();
  let waiting: Entry[] = [];
  let scheduled = false;

  function schedule(): void {
    if (scheduled) return;
    if (calls.size() <= options.atOnceMax) {
      flush();
      return;
    }
    scheduled = true;
    setImmediate(flush);
  }

  /** Gives as many waiting calls to threads as these may have, oldest first. */
  function flush(): void {
    scheduled = false;
    const batches = new Map<number, CallTask[]>();
    let given = 0;
    for (const entry of waiting) {
      const thread = leastBusy();
      if (thread === undefined) break;
      entry.thread = thread;
      busy.set(thread, (busy.get(thread) ?? 0) + 1);
      const batch = batches.get(thread);
      if (batch === undefined) batches.set(thread, [entry.task]);
      else batch.push(entry.task);
      given++;
    }
    waiting = given === waiting.length ? [] : waiting.slice(given);
    for (const [thread, batch] of batches) options.send(thread, batch);
  }

  function leastBusy(): number | undefined {
    let chosen: number | undefined;
    let chosenCalls = options.callsPerThread;
    let chosenIsLate = true;
    for (const [thread, count] of busy) {
      if (count >= options.callsPerThread) continue;
      const late = options.isLate(thread);
      const isBetter = late === chosenIsLate ? count < chosenCalls : chosenIsLate;
      if (!isBetter) continue;
      chosen = thread;
      chosenCalls = count;
      chosenIsLate = late;
    }
    return chosen;
  }

  /** How many more calls the threads may have. */
  function room(): number {
    let free = 0;
    for (const count of busy.values()) free += Math.max(0, options.callsPerThread - count);
    return free;
  }

  /** Calls of this turn wait as well, though some of them will find a thread at its end. */
  function isFull(): boolean {
    return waiting.length >= options.queueMax && waiting.length >= options.queueMax + room();
  }

  function end(entry: Entry): boolean {
    if (!calls.delete(entry.task.call)) return false;
    if (entry.thread !== undefined) {
      const count = busy.get(entry.thread);
      if (count !== undefined) busy.set(entry.thread, count - 1);
    }
    if (waiting.length > 0) schedule();
    return true;
  }

  return {
    run(task, listener) {
      if (isFull()) {
        return Promise.reject(new GatewayError("overloaded", "the queue is full"));
      }
      return new Promise((resolve, reject) => {
        const entry: Entry = { task, listener, resolve, reject, thread: undefined };
        calls.set(task.call, entry);
        waiting.push(entry);
        schedule();
      });
    },
    receive(message, credit) {
      const entry = calls.get(message.call);
      if (entry === undefined) return;
      switch (message.kind) {
        case "reply":
        case "failed":
          if (end(entry)) entry.resolve(message);
          break;
        case "end":
          end(entry);
          entry.listener.receive(message, credit);
          entry.resolve({ kind: "streamed" });
          break;
        default:
          entry.listener.receive(message, credit);
      }
    },
    addThread(thread) {
      busy.set(thread, 0);
      schedule();
    },
    removeThread(thread) {
      busy.delete(thread);
      for (const entry of calls.values()) {
        if (entry.thread === thread && end(entry)) entry.reject(options.lost());
      }
    },
    threadOf: (call) => calls.get(call)?.thread,
    drop(call, error) {
      const entry = calls.get(call);
      if (entry === undefined || entry.thread !== undefined) return false;
      waiting = waiting.filter((candidate) => candidate !== entry);
      end(entry);
      entry.reject(error);
      return true;
    },
    queued: () => waiting.length,
    isIdle: () => calls.size() === 0,
    isFull,
  };
}
