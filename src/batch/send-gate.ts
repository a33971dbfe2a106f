// The gate that calls pass on their way to the provider, main thread: one at a time, in order, as the limiter
// allows; what was refused goes first. A slot is held from `enter` to `leave`, which comes after the commit.

import type { RefusedAttempt } from "../protocol/call-task.ts";
import type { AcceptedReply, LimiterPicture, RateLimiter } from "./rate-limiter.ts";

export interface SendGate {
  /** Waits for a slot and a turn. Undefined when the gate was closed meanwhile. */
  readonly enter: (tokens: number) => Promise<GatePass | undefined>;
  /** Nobody new comes in; those inside may still repeat. */
  readonly close: () => void;
  readonly picture: () => LimiterPicture;
  /** Resolves when nobody is inside. */
  readonly empty: () => Promise<void>;
}

/** One row's way through the gate. */
export interface GatePass {
  /** The provider refused; resolves when the call may be repeated. */
  readonly refused: (attempt: RefusedAttempt) => Promise<void>;
  /** Another call of the same row; resolves when it may be sent. */
  readonly again: () => Promise<void>;
  readonly accepted: (reply: Omit<AcceptedReply, "tokensExpected">) => void;
  /** The call failed for good; overload and timeouts slow the others down. */
  readonly failed: (isOverload: boolean) => void;
  readonly leave: () => void;
}

interface Waiting {
  readonly tokens: number;
  readonly hasSlot: boolean;
  readonly go: (isOpen: boolean) => void;
}

export function createSendGate(limiter: RateLimiter, nowMs: () => number): SendGate {
  let entering: Waiting[] = [];
  let repeating: Waiting[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  let inside = 0;
  let watchers: (() => void)[] = [];

  function pump(): void {
    clearTimeout(timer);
    timer = undefined;
    for (;;) {
      const [next] = repeating.length > 0 ? repeating : entering;
      if (next === undefined) return;
      const waitMs = limiter.waitMs(nowMs(), next.hasSlot);
      if (waitMs > 0) {
        if (waitMs !== Infinity) timer = setTimeout(pump, Math.max(1, waitMs));
        return;
      }
      if (repeating.length > 0) repeating = repeating.slice(1);
      else entering = entering.slice(1);
      next.go(true);
    }
  }

  const refuse = (round: number, attempt: RefusedAttempt): void => {
    limiter.refused(nowMs(), round, {
      isPace: attempt.status === 429,
      retryAfterMs: attempt.isTold ? attempt.delayMs : undefined,
    });
  };

  function open(tokens: number): GatePass {
    let round = limiter.sent(nowMs(), tokens);
    const repeat = (delayMs: number): Promise<void> =>
      new Promise((resolve) => {
        const go = (): void => {
          round = limiter.sent(nowMs(), tokens);
          resolve();
        };
        const queue = (): void => {
          repeating.push({ tokens, hasSlot: true, go });
          pump();
        };
        if (delayMs > 0) setTimeout(queue, delayMs);
        else queue();
      });
    return {
      refused(attempt) {
        refuse(round, attempt);
        pump();
        // For pace it waits for its turn; a provider in trouble is left alone for a while besides.
        return repeat(attempt.status === 429 ? 0 : attempt.delayMs);
      },
      again: () => repeat(0),
      accepted(reply) {
        limiter.accepted(nowMs(), { ...reply, tokensExpected: tokens });
      },
      failed(isOverload) {
        if (isOverload) refuse(round, { status: 529, delayMs: 0, isTold: false });
      },
      leave() {
        limiter.leave();
        inside -= 1;
        pump();
        if (inside > 0) return;
        for (const wake of watchers) wake();
        watchers = [];
      },
    };
  }

  return {
    enter(tokens) {
      if (isClosed) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        const go = (isOpen: boolean): void => {
          if (!isOpen) return resolve(undefined);
          limiter.enter();
          inside += 1;
          resolve(open(tokens));
        };
        entering.push({ tokens, hasSlot: false, go });
        pump();
      });
    },
    close() {
      isClosed = true;
      const turnedAway = entering;
      entering = [];
      for (const { go } of turnedAway) go(false);
    },
    picture: limiter.picture,
    empty() {
      if (inside === 0) return Promise.resolve();
      return new Promise((resolve) => watchers.push(resolve));
    },
  };
}
