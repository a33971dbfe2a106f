import { describe, expect, test } from "bun:test";

import type { CallOutcome, WorkerMessage } from "../../../src/protocol/call-task.ts";
import { readWorkerMessages, writeWorkerMessage } from "../../../src/protocol/worker-words.ts";
import type { Word, Words } from "../../../src/protocol/words.ts";
import { acrossPort } from "../../support/across-port.ts";

/** Each value differs from all others, so that none can stand in another's place. */
const outcome: CallOutcome = {
  spans: "\u0012\u0000ÿ",
  spanCount: 1,
  lastEndMs: 2.5,
  errorType: "timeout",
  responseModel: "gpt-4o-mini",
  inputTokens: 3,
  outputTokens: 4,
  cacheReadTokens: 5,
  cacheWriteTokens: 6,
  reasoningTokens: 7,
  cost: 8.25,
  timeToFirstChunkSeconds: 9.125,
  providerMs: 10.5,
  attempts: 11,
  chatSeconds: 12.5,
};

const messages: Readonly<Record<WorkerMessage["kind"], WorkerMessage>> = {
  reply: {
    kind: "reply",
    call: "a",
    status: 200,
    headers: '{"content-type":"application/json"}',
    body: "{}",
    isText: true,
    outcome,
  },
  failed: {
    kind: "failed",
    call: "b",
    code: "provider_unreachable",
    message: "refused",
    outcome,
  },
  head: { kind: "head", call: "c", status: 201, headers: "{}", text: "first" },
  part: { kind: "part", call: "d", text: "second" },
  end: {
    kind: "end",
    call: "e",
    status: 202,
    headers: '{"x":"y"}',
    text: "third",
    last: "fourth",
    errorCode: "provider_cut",
    outcome,
  },
  journal: { kind: "journal", call: "f", spans: "spans", spanCount: 13 },
  refused: { kind: "refused", call: "g", status: 429, delayMs: 14, isTold: true },
};

function written(sent: readonly WorkerMessage[]): Word[] {
  const words: Word[] = [];
  for (const message of sent) writeWorkerMessage(words, message);
  return words;
}

function read(words: Words): WorkerMessage[] {
  const received: WorkerMessage[] = [];
  readWorkerMessages(words, (message) => received.push(message));
  return received;
}

describe("a worker's messages as words", () => {
  test.each(Object.values(messages))("$kind comes out as it went in", (message) => {
    expect(read(written([message]))).toEqual([message]);
  });

  test("each kind finds the next one's beginning, through a real port", async () => {
    const all = Object.values(messages);
    const sent = all.flatMap((first) => all.flatMap((second) => [first, second]));
    expect(read((await acrossPort(written(sent))) as Words)).toEqual(sent);
  });
});
