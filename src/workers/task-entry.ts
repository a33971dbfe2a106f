// A worker thread's entry: calls come in over the link, each is answered over it. Everything the thread
// keeps (link, registry, clock, ids) is made here, at load, and handed down. Nothing below holds state of
// its own, and no error leaves except as a result: a throw would take the neighbours' calls along.

import { pathToFileURL } from "node:url";
import { workerData } from "node:worker_threads";

import type { Config } from "../config/schema.ts";
import { noOutcome } from "../protocol/call-task.ts";
import type { CallTask, ServerMessage, WorkerStart } from "../protocol/call-task.ts";
import { readTasks } from "../protocol/task-words.ts";
import { createIdleSweep } from "../timers/idle-sweep.ts";
import { createWallClock, systemClock } from "../tracing/recorder/clock.ts";
import { createIdSource } from "../tracing/recorder/ids.ts";
import { createSpanWriter } from "../tracing/recorder/span-writer.ts";
import { createCallRegistry } from "./call-registry.ts";
import { runCall } from "./call.ts";
import type { WorkerDeps } from "./call-state.ts";
import { createPricer } from "./cost.ts";
import { createDeadlines } from "./deadlines.ts";
import { createGuardrailTable } from "./guardrail-table.ts";
import { createUpstreams } from "./upstream.ts";
import { openWorkerLink } from "./worker-link.ts";

/** With so few calls under way, waiting for others to come along would only cost time. */
const fewCalls = 2;
const start = workerData as WorkerStart;
const config = JSON.parse(start.config) as Config;
const link = openWorkerLink(receive, () => registry.count() <= fewCalls);
const registry = createCallRegistry({
  clock: systemClock,
  post: link.post,
  journalAfterMs: start.journalAfterMs,
});
const deadlines = createDeadlines(systemClock);

const sweep = createIdleSweep({
  look() {
    link.beat();
    deadlines.look();
    registry.journalDue();
  },
  isIdle: () => registry.count() === 0,
});
sweep.start();

const deps: WorkerDeps = {
  config,
  clock: createWallClock(),
  elapsed: systemClock,
  deadlines,
  ids: createIdSource(),
  writer: createSpanWriter(),
  random: Math.random,
  fetch,
  post: link.post,
  registry,
  price: createPricer(config.pricing),
  providers: createUpstreams(config.providers),
  guardrails: createGuardrailTable(config.guardrails, {
    fetch,
    nowMs: systemClock,
    load: (path) => import(pathToFileURL(path).href),
  }),
};

/** Piscina's own task, of which there is none: it starts a thread when it is given one. */
export default function task(): void {}

async function answer(call: CallTask): Promise<void> {
  try {
    const result = await runCall(call, deps);
    if (result.kind !== "streamed") link.post({ ...result, call: call.call });
  } catch (error) {
    // A bug of ours ends its own call, not the batch: its neighbours have done nothing wrong.
    console.error("everyspan: a bug in a worker:", error);
    const failure = { kind: "failed", code: "internal", message: "internal error" } as const;
    link.post({ ...failure, call: call.call, outcome: noOutcome });
  }
}

function receive(message: ServerMessage): void {
  if ("length" in message) {
    sweep.wake();
    readTasks(message, (call) => void answer(call));
    return;
  }
  switch (message.kind) {
    case "cancel":
      registry.cancel(message.call, message.code);
      break;
    case "resume":
      registry.resume(message.call);
      break;
    case "credit":
      registry.credit(message.call, message.bytes);
      break;
  }
}
