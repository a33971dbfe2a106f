// Tasks as words: server to worker.

import type { CallTask } from "./call-task.ts";
import type { Word, Words } from "./words.ts";

const wordsPerTask = 21;

export function writeTask(words: Word[], task: CallTask): void {
  words.push(
    task.call,
    task.route,
    task.method,
    task.path,
    task.provider,
    task.headers,
    task.keyHeader,
    task.body,
    task.bytes,
    task.facts,
    task.providerModel,
    task.guardrails,
    task.traceparent,
    task.tracestate,
    task.anchorMs,
    task.sessionId,
    task.userId,
    task.attributes,
    task.spanIds,
    task.isPaced,
    task.keyName,
  );
}

/** Hands each task to `take`, in order. */
export function readTasks(words: Words, take: (task: CallTask) => void): void {
  for (let at = 0; at < words.length; at += wordsPerTask) take(taskAt(words, at));
}

function taskAt(words: Words, at: number): CallTask {
  return {
    call: words[at] as string,
    route: words[at + 1] as CallTask["route"],
    method: words[at + 2] as string,
    path: words[at + 3] as string,
    provider: words[at + 4] as string,
    headers: words[at + 5] as string,
    keyHeader: words[at + 6] as CallTask["keyHeader"],
    body: words[at + 7] as string,
    bytes: words[at + 8] as Uint8Array | undefined,
    facts: words[at + 9] as string,
    providerModel: words[at + 10] as string,
    guardrails: words[at + 11] as string,
    traceparent: words[at + 12] as string,
    tracestate: words[at + 13] as string,
    anchorMs: words[at + 14] as number,
    sessionId: words[at + 15] as string,
    userId: words[at + 16] as string,
    attributes: words[at + 17] as string,
    spanIds: words[at + 18] as string,
    isPaced: words[at + 19] as boolean,
    keyName: words[at + 20] as string,
  };
}
