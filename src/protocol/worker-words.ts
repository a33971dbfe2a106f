// What a worker says, as words: worker to server. A message is its kind, its call, and the words of its kind.

import type { CallOutcome, WorkerMessage } from "./call-task.ts";
import type { Word, Words } from "./words.ts";

type Kind = WorkerMessage["kind"];
type Message<Name extends Kind> = Extract<WorkerMessage, { readonly kind: Name }>;

const outcomeWords = 15;

/** Words of a message after its kind and its call. */
const wordsOf: Readonly<Record<Kind, number>> = {
  reply: 4 + outcomeWords,
  failed: 2 + outcomeWords,
  head: 3,
  part: 1,
  end: 5 + outcomeWords,
  journal: 2,
  refused: 3,
};

export function writeWorkerMessage(words: Word[], message: WorkerMessage): void {
  words.push(message.kind, message.call);
  switch (message.kind) {
    case "reply":
      words.push(message.status, message.headers, message.body, message.isText);
      writeOutcome(words, message.outcome);
      break;
    case "failed":
      words.push(message.code, message.message);
      writeOutcome(words, message.outcome);
      break;
    case "head":
      words.push(message.status, message.headers, message.text);
      break;
    case "part":
      words.push(message.text);
      break;
    case "end":
      words.push(message.status, message.headers, message.text, message.last, message.errorCode);
      writeOutcome(words, message.outcome);
      break;
    case "journal":
      words.push(message.spans, message.spanCount);
      break;
    case "refused":
      words.push(message.status, message.delayMs, message.isTold);
      break;
  }
}

/** Hands each message to `take`, in order. */
export function readWorkerMessages(words: Words, take: (message: WorkerMessage) => void): void {
  for (let at = 0; at < words.length;) {
    const kind = words[at] as Kind;
    take(messageAt(words, kind, at + 1));
    at += 2 + wordsOf[kind];
  }
}

function messageAt(words: Words, kind: Kind, at: number): WorkerMessage {
  const call = words[at] as string;
  switch (kind) {
    case "reply":
      return {
        kind,
        call,
        status: words[at + 1] as number,
        headers: words[at + 2] as string,
        body: words[at + 3] as string,
        isText: words[at + 4] as boolean,
        outcome: outcomeAt(words, at + 5),
      };
    case "failed":
      return {
        kind,
        call,
        code: words[at + 1] as Message<"failed">["code"],
        message: words[at + 2] as string,
        outcome: outcomeAt(words, at + 3),
      };
    case "head":
      return {
        kind,
        call,
        status: words[at + 1] as number,
        headers: words[at + 2] as string,
        text: words[at + 3] as string,
      };
    case "part":
      return { kind, call, text: words[at + 1] as string };
    case "end":
      return {
        kind,
        call,
        status: words[at + 1] as number,
        headers: words[at + 2] as string,
        text: words[at + 3] as string,
        last: words[at + 4] as string,
        errorCode: words[at + 5] as Message<"end">["errorCode"],
        outcome: outcomeAt(words, at + 6),
      };
    case "journal":
      return {
        kind,
        call,
        spans: words[at + 1] as string,
        spanCount: words[at + 2] as number,
      };
    case "refused":
      return {
        kind,
        call,
        status: words[at + 1] as number,
        delayMs: words[at + 2] as number,
        isTold: words[at + 3] as boolean,
      };
  }
}

function writeOutcome(words: Word[], outcome: CallOutcome): void {
  words.push(
    outcome.spans,
    outcome.spanCount,
    outcome.lastEndMs,
    outcome.errorType,
    outcome.responseModel,
    outcome.inputTokens,
    outcome.outputTokens,
    outcome.cacheReadTokens,
    outcome.cacheWriteTokens,
    outcome.reasoningTokens,
    outcome.cost,
    outcome.timeToFirstChunkSeconds,
    outcome.providerMs,
    outcome.attempts,
    outcome.chatSeconds,
  );
}

function outcomeAt(words: Words, at: number): CallOutcome {
  return {
    spans: words[at] as string,
    spanCount: words[at + 1] as number,
    lastEndMs: words[at + 2] as number,
    errorType: words[at + 3] as string,
    responseModel: words[at + 4] as string,
    inputTokens: words[at + 5] as number,
    outputTokens: words[at + 6] as number,
    cacheReadTokens: words[at + 7] as number,
    cacheWriteTokens: words[at + 8] as number,
    reasoningTokens: words[at + 9] as number,
    cost: words[at + 10] as number,
    timeToFirstChunkSeconds: words[at + 11] as number,
    providerMs: words[at + 12] as number,
    attempts: words[at + 13] as number,
    chatSeconds: words[at + 14] as number,
  };
}
