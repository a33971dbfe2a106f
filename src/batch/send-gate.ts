// The gate that calls pass on their way to the provider, main thread: one at a time, in order, as the limiter
// allows; what was refused goes first. A slot is held from `tryEnter` to `leave`, which comes after the commit.

import type { RefusedAttempt } from "../protocol/call-task.ts";
import type { AcceptedReply, LimiterPicture, RateLimiter } from "./rate-limiter.ts";

export interface SendGate {
  /** A slot and a turn, if both can be had now. For the one who reads the input. */
  readonly tryEnter: (tokens: number) => GatePass | undefined;
  /** Resolves when it is worth trying again; false once the gate is closed. */
  readonly turn: () => Promise<boolean>;
  /** The provider refused the call. */
  readonly refused: (pass: GatePass, attempt: RefusedAttempt, waiting: RefusedCall) => void;
  /** Another call of the same row; `go` is called when it may be sent. */
  readonly again: (pass: GatePass, go: () => void) => void;
  readonly accepted: (pass: GatePass, reply: Omit<AcceptedReply, "tokensExpected">) => void;
  /** The call failed for good; overload and timeouts slow the others down. */
  readonly failed: (pass: GatePass, isOverload: boolean) => void;
  readonly leave: () => void;
  /** Nobody new comes in; those inside may still repeat. */
  readonly close: () => void;
  readonly picture: () => LimiterPicture;
  /** Resolves when nobody is inside. */
  readonly empty: () => Promise<void>;
}

/** One row's way through the gate. */
export interface GatePass {
  readonly tokens: number;
  /** The limiter's, of the last sending. */
  sending: number;
}

/** One of the two is called, once. */
export interface RefusedCall {
  /** It may be repeated. */
  readonly go: () => void;
  /** It will not be: the gate is closed, and the provider may want minutes. */
  readonly giveUp: () => void;
}

interface Repeating {
  readonly pass: GatePass;
  readonly go: () => void;
  readonly giveUp?: () => void;
}

export function createSendGate(limiter: RateLimiter, nowMs: () => number): SendGate {
  let repeating: Repeating[] = [];
  /** Left alone for a while, before they wait for their turn. */
  const resting = new Map<Repeating, ReturnType<typeof setTimeout>>();
  /** Of the one who reads the input. */
  let wake: ((isOpen: boolean) => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  let inside = 0;
  let watchers: (() => void)[] = [];

  function waitFor(waitMs: number): void {
    clearTimeout(timer);
    timer = waitMs === Infinity ? undefined : setTimeout(pump, Math.max(1, waitMs));
  }

  function pump(): void {
    while (repeating.length > 0 || wake !== undefined) {
      const [next] = repeating;
      const waitMs = limiter.waitMs(nowMs(), next !== undefined);
      if (waitMs > 0) return waitFor(waitMs);
      if (next === undefined) return rouse(true);
      repeating = repeating.slice(1);
      next.pass.sending = limiter.sent(nowMs(), next.pass.tokens);
      next.go();
    }
  }

  function rouse(isOpen: boolean): void {
    const roused = wake;
    wake = undefined;
    roused?.(isOpen);
  }

  function refuse(pass: GatePass, attempt: RefusedAttempt): void {
    limiter.refused(nowMs(), pass.sending, {
      isPace: attempt.status === 429,
      retryAfterMs: attempt.isTold ? attempt.delayMs : undefined,
    });
  }

  function repeat(call: Repeating): void {
    if (isClosed && call.giveUp !== undefined) return call.giveUp();
    repeating.push(call);
    pump();
  }

  function rest(call: Repeating, delayMs: number): void {
    const over = (): void => {
      resting.delete(call);
      repeat(call);
    };
    resting.set(call, setTimeout(over, delayMs));
  }

  function giveUpWaiting(): void {
    const waiting = [...repeating, ...resting.keys()];
    for (const restTimer of resting.values()) clearTimeout(restTimer);
    resting.clear();
    repeating = [];
    for (const call of waiting) repeat(call);
  }

  return {
    tryEnter(tokens) {
      if (isClosed || repeating.length > 0 || limiter.waitMs(nowMs(), false) > 0) return undefined;
      limiter.enter();
      inside += 1;
      return { tokens, sending: limiter.sent(nowMs(), tokens) };
    },
    turn() {
      if (isClosed) return Promise.resolve(false);
      return new Promise((resolve) => {
        wake = resolve;
        pump();
      });
    },
    refused(pass, attempt, waiting) {
      refuse(pass, attempt);
      pump();
      const call = { pass, ...waiting };
      // For pace it waits for its turn; a provider in trouble is left alone for a while besides.
      if (attempt.status === 429 || attempt.delayMs <= 0 || isClosed) repeat(call);
      else rest(call, attempt.delayMs);
    },
    again: (pass, go) => repeat({ pass, go }),
    accepted(pass, reply) {
      limiter.accepted(nowMs(), { ...reply, tokensExpected: pass.tokens });
    },
    failed(pass, isOverload) {
      if (isOverload) refuse(pass, { status: 529, delayMs: 0, isTold: false });
    },
    leave() {
      limiter.leave();
      inside -= 1;
      pump();
      if (inside > 0) return;
      for (const watcher of watchers) watcher();
      watchers = [];
    },
    close() {
      isClosed = true;
      rouse(false);
      giveUpWaiting();
    },
    picture: limiter.picture,
    empty() {
      if (inside === 0) return Promise.resolve();
      return new Promise((resolve) => watchers.push(resolve));
    },
  };
}
