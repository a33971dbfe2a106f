// Tests: a worker thread's entry that does what its task's body says. Loaded by the pool, as the real one is.

import { existsSync, openSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { noOutcome } from "../../src/protocol/call-task.ts";
import type {
  CallResult,
  CallTask,
  ServerMessage,
  WorkerStart,
} from "../../src/protocol/call-task.ts";
import { readTasks } from "../../src/protocol/task-words.ts";
import { openWorkerLink } from "../../src/workers/worker-link.ts";

type PlainResult = Exclude<CallResult, { readonly kind: "streamed" }>;

// A thread that cannot start for a while: as long as the file named in place of the version is there.
if (existsSync((workerData as WorkerStart).version)) throw new Error("cannot start now");

const link = openWorkerLink(receive, () => false);
setInterval(link.beat, 10);

export default function task(): void {}

function receive(message: ServerMessage): void {
  if (!("length" in message)) return;
  readTasks(message, (call) => void answer(call));
}

async function answer(call: CallTask): Promise<void> {
  link.post({ ...(await run(call)), call: call.call });
}

async function run({ call, body }: CallTask): Promise<PlainResult> {
  // As a disk does that does not answer: the system call does not return, and the thread cannot be ended.
  if (typeof body === "string" && body.startsWith("hang ")) openSync(body.slice(5), "r");
  switch (body) {
    case "spin":
      for (;;);
    case "part-then-spin":
      link.post({ kind: "head", call, status: 200, headers: "{}", text: "" });
      link.post({ kind: "part", call, text: "first" });
      await Bun.sleep(20);
      for (;;);
    case "throw-late":
      setTimeout(() => {
        throw new Error("thrown late");
      }, 10);
      return new Promise(() => undefined);
    case "reject-late":
      setTimeout(() => void Promise.reject(new Error("rejected late")), 10);
      return new Promise(() => undefined);
    case "exit":
      setTimeout(() => process.exit(3), 10);
      return new Promise(() => undefined);
    case "hog": {
      const held: Uint8Array[] = [];
      for (;;) held.push(new Uint8Array(1024 * 1024).fill(1));
    }
    case "leak": {
      const held: Uint8Array[] = [];
      for (;;) {
        held.push(new Uint8Array(4 * 1024 * 1024).fill(1));
        await Bun.sleep(2);
      }
    }
    case "busy": {
      // Long, but not for ever: no reason to be replaced.
      const until = performance.now() + 400;
      while (performance.now() < until);
      break;
    }
    case "slow":
      await Bun.sleep(600);
      break;
  }
  return { kind: "reply", status: 200, headers: "{}", body, isText: false, outcome: noOutcome };
}
