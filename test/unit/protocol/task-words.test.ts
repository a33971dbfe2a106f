import { describe, expect, test } from "bun:test";

import type { CallTask } from "../../../src/protocol/call-task.ts";
import { readTasks, writeTask } from "../../../src/protocol/task-words.ts";
import type { Word, Words } from "../../../src/protocol/words.ts";
import { acrossPort } from "../../support/across-port.ts";

/** Each value differs from all others, so that none can stand in another's place. */
const full: CallTask = {
  call: "01a1ff12-549c-74a3-a4bc-c3565070d698",
  route: "messages",
  method: "POST",
  path: "/messages?beta=true",
  provider: "anthropic",
  headers: '{"accept":"*/*"}',
  keyName: "team-a",
  keyHeader: "x-api-key",
  body: '{"model":"claude"}\n\u0000ß🙂',
  bytes: new Uint8Array([0, 255, 10]),
  facts: '{"stream":true}',
  providerModel: "claude-haiku-4-5",
  guardrails: '[{"name":"pii"}]',
  traceparent: "00-31259f5b5d869e19b7cc344128ae6839-11b47ca89fbdb0c5-01",
  tracestate: "vendor=1",
  anchorMs: 1_795_280_753_820.716,
  sessionId: "session",
  userId: "user",
  attributes: '{"a":1}',
  spanIds: "00112233445566778899aabbccddeeff",
  isPaced: true,
};
const plain: CallTask = { ...full, bytes: undefined, isPaced: false, tracestate: "", spanIds: "" };

describe("tasks as words", () => {
  test("come out as they went in, in order, through a real port", async () => {
    const words: Word[] = [];
    for (const task of [full, plain, full]) writeTask(words, task);
    const crossed = (await acrossPort(words)) as Words;
    const tasks: CallTask[] = [];
    readTasks(crossed, (task) => tasks.push(task));
    expect(tasks).toEqual([full, plain, full]);
  });

  test("are none in none", () => {
    const tasks: CallTask[] = [];
    readTasks([], (task) => tasks.push(task));
    expect(tasks).toEqual([]);
  });
});
