// What crosses between the server thread and a worker: the task, its result, and stream messages.
// Records of primitives, which cross as words (words.ts). Anything deeper travels as JSON. "Binary string" means
// one char per byte (0-255), so that bytes cross untouched as a string.

import type { ErrorCode } from "../errors/gateway-error.ts";
import { binaryToUtf8 } from "./binary-string.ts";
import type { Words } from "./words.ts";

/** The routes that everyspan knows. `forward` is every other path under /v1. */
export type RouteName = "chat_completions" | "messages" | "count_tokens" | "models" | "forward";

/** One call for a worker. */
export interface CallTask {
  readonly call: string;
  readonly route: RouteName;
  readonly method: string;
  /** Below the provider's base address, with the query string: `/chat/completions`. */
  readonly path: string;
  /** A configured provider's name. */
  readonly provider: string;
  /** JSON of a record: the caller's headers that go on, by name in lower case. */
  readonly headers: string;
  /** Of the caller's key, in the configuration; empty without keys. */
  readonly keyName: string;
  /** How the caller sent its key, so that the provider's goes the same way. */
  readonly keyHeader: "authorization" | "x-api-key" | "";
  /** The body as text, empty when there is none or when it is in `bytes`. */
  readonly body: string;
  /** A body that is not JSON. */
  readonly bytes: Uint8Array | undefined;
  /** JSON of RequestFacts for a generating call, else empty. */
  readonly facts: string;
  /** The model's name at the provider where it differs from what the caller wrote, else empty. */
  readonly providerModel: string;
  /** JSON of GuardrailChoice[], in the order they run; empty when there is none. */
  readonly guardrails: string;
  /** The root span's context: W3C header values. */
  readonly traceparent: string;
  readonly tracestate: string;
  /** No span of the call starts before this (ms since the epoch). */
  readonly anchorMs: number;
  /** Recorded on every span; empty when unknown. */
  readonly sessionId: string;
  readonly userId: string;
  /** JSON of attributes that are on every span besides; empty: none. */
  readonly attributes: string;
  /** The ids of `chat` and its first attempt, 16 hex digits each, where somebody knows of them already; else empty. */
  readonly spanIds: string;
  /** Before an attempt is repeated the worker says `refused` and waits for `resume`. */
  readonly isPaced: boolean;
}

/** A guardrail that runs on a call, and what the caller added for it (LiteLLM's `extra_body`). */
export interface GuardrailChoice {
  readonly name: string;
  readonly extra: Readonly<Record<string, unknown>>;
}

/**
 * How a call went at the worker, told once, with the call's last message. Token counts are -1 when unknown.
 */
export interface CallOutcome {
  /** The worker's ended spans, encoded (tracing/recorder/span-encoding.ts). */
  readonly spans: string;
  readonly spanCount: number;
  /** When the last of them ended: the root ends no earlier. */
  readonly lastEndMs: number;
  /** `error.type` of the chat span or of the last attempt; empty when all went well. */
  readonly errorType: string;
  readonly responseModel: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
  /** USD, -1 when unknown. */
  readonly cost: number;
  /** Seconds to the first content of a stream, -1 when there is none. */
  readonly timeToFirstChunkSeconds: number;
  /** Time that was the provider's or waiting for it (attempts and the back-off between them). */
  readonly providerMs: number;
  readonly attempts: number;
  /** Seconds the `chat` span took, -1 when there was none. */
  readonly chatSeconds: number;
}

/** The outcome of a call that came to nothing. */
export const noOutcome: CallOutcome = {
  spans: "",
  spanCount: 0,
  lastEndMs: 0,
  errorType: "",
  responseModel: "",
  inputTokens: -1,
  outputTokens: -1,
  cacheReadTokens: -1,
  cacheWriteTokens: -1,
  reasoningTokens: -1,
  cost: -1,
  timeToFirstChunkSeconds: -1,
  providerMs: 0,
  attempts: 0,
  chatSeconds: -1,
};

/**
 * What a task resolves with.
 *
 * - `reply`: a whole reply, to be sent once the call is committed. `body` is a binary string, or with `isText`
 *   the text itself.
 * - `failed`: no reply; everyspan answers for itself, in the route's shape.
 * - `streamed`: the reply went over the worker's port, and so did its `end`.
 */
export type CallResult =
  | {
      readonly kind: "reply";
      readonly status: number;
      /** JSON of a record, by name in lower case. */
      readonly headers: string;
      readonly body: string;
      readonly isText: boolean;
      readonly outcome: CallOutcome;
    }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly outcome: CallOutcome;
    }
  | { readonly kind: "streamed" };

/** The text of a whole reply's body. */
export function replyBodyText({
  body,
  isText,
}: {
  readonly body: string;
  readonly isText: boolean;
}): string {
  return isText ? body : binaryToUtf8(body);
}

/**
 * Worker to server, over the one port that each worker opens at load.
 *
 * - `head`, then `part`s under credit, then exactly one `end`. `text`, a binary string, is what may leave now:
 *   of a head the first part, where it is there already, of an end the last part.
 * - `end` carries the last bytes of the stream besides, held back until the commit. With `errorCode` the stream
 *   broke after its head: `last` is then the error event in the route's own protocol. With a `status` other
 *   than 0 it is the head as well, none having been sent.
 * - `reply`, `failed`: a call's result, where it was not streamed.
 * - `journal`: the spans so far of a call that has been open for a while.
 * - `refused`: an attempt of a paced call came to nothing; it will be repeated after `resume`.
 *
 * They cross as words (worker-words.ts): all that one turn of the worker's loop has to say.
 */
export type WorkerMessage =
  | (Exclude<CallResult, { readonly kind: "streamed" }> & { readonly call: string })
  | {
      readonly kind: "head";
      readonly call: string;
      readonly status: number;
      readonly headers: string;
      readonly text: string;
    }
  | { readonly kind: "part"; readonly call: string; readonly text: string }
  | {
      readonly kind: "end";
      readonly call: string;
      readonly status: number;
      readonly headers: string;
      readonly text: string;
      readonly last: string;
      readonly errorCode: ErrorCode | "";
      readonly outcome: CallOutcome;
    }
  | {
      readonly kind: "journal";
      readonly call: string;
      readonly spans: string;
      readonly spanCount: number;
    }
  | ({ readonly kind: "refused"; readonly call: string } & RefusedAttempt);

/**
 * `status`: the provider's, 0 where it could not be reached. `delayMs`: no sooner than this. `isTold`: the
 * provider said so itself.
 */
export interface RefusedAttempt {
  readonly status: number;
  readonly delayMs: number;
  readonly isTold: boolean;
}

/** What a call hears while it streams. */
export type StreamMessage = Exclude<WorkerMessage, { readonly kind: "reply" | "failed" }>;

/**
 * Server to worker. Words: calls to run (task-words.ts), those of one turn of the server's loop. `credit` allows
 * that many more bytes of parts; `cancel` ends the call; `resume` lets a refused one go on.
 */
export type ServerMessage =
  | Words
  | { readonly kind: "credit"; readonly call: string; readonly bytes: number }
  | { readonly kind: "cancel"; readonly call: string; readonly code: ErrorCode }
  | { readonly kind: "resume"; readonly call: string };

/** Bytes of parts that a worker may have sent and the client not yet taken. */
export const streamWindowBytes: number = 256 * 1024;

/** The message by which a new worker hands its port to the server, through the pool. */
export interface WorkerHello {
  readonly kind: "hello";
  readonly threadId: number;
  /** Two 32-bit numbers: a counter bumped every few milliseconds while the loop turns, and the heap in MiB. */
  readonly beats: SharedArrayBuffer;
}

/** Handed to every worker once, as its worker data. */
export interface WorkerStart {
  /** JSON of the validated configuration (config/schema.ts). */
  readonly config: string;
  readonly version: string;
  /** A call younger than this is not journaled; a batch, whose rows are in the ledger already, waits longer. */
  readonly journalAfterMs?: number;
}
