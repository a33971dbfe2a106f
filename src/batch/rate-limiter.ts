// Finds out how fast a provider may be called, and keeps to it: slots grow while all goes well and halve when the
// provider is overloaded; refusals for pace set a pace. Pure but for its own state: the clock is passed in.
//
// A provider that counts calls refills a bucket. The first refusal comes when what had gathered there is used up,
// and halves the pace; from there it rises quickly to the next. What was served between two of them is how fast the
// bucket fills, and the pace stays just below. A refusal with nothing served since the last says only: wait longer.

import type { RateHint } from "./rate-headers.ts";
import { createRecentAccepts } from "./recent-accepts.ts";

export interface LimiterSettings {
  /** Slots; undefined: found out. */
  readonly concurrency: number | undefined;
  readonly concurrencyMax: number;
  /** Calls and tokens a minute at most; undefined: as the provider says. */
  readonly callsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
}

export interface Refusal {
  /** 429 is for pace; 529, 503, 0 and timeouts are overload. */
  readonly isPace: boolean;
  /** Nothing is sent before that is over; undefined: the provider did not say. */
  readonly retryAfterMs: number | undefined;
}

export interface RateLimiter {
  /** 0: a call may be sent. Infinity: not before another ends. Else so many milliseconds. */
  readonly waitMs: (nowMs: number, hasSlot: boolean) => number;
  /** A call takes a slot. */
  readonly enter: () => void;
  /** A call, or its repetition, is sent; returns its number, which a refusal names. */
  readonly sent: (nowMs: number, tokens: number) => number;
  readonly accepted: (nowMs: number, reply: AcceptedReply) => void;
  readonly refused: (nowMs: number, sending: number, refusal: Refusal) => void;
  /** A call gives its slot back. */
  readonly leave: () => void;
  readonly picture: () => LimiterPicture;
}

export interface AcceptedReply {
  readonly durationMs: number;
  /** What it was thought to take, and what it took. */
  readonly tokensExpected: number;
  readonly tokens: number;
  readonly hint: RateHint | undefined;
}

export interface LimiterPicture {
  readonly inFlight: number;
  readonly slots: number;
  /** Undefined while nothing limits it. */
  readonly callsPerSecond: number | undefined;
  readonly refused: number;
  /** Nothing is sent before; in the past, as a rule. */
  readonly pausedUntilMs: number;
}

const firstSlots = 4;
/** In the beginning: what is in flight at the first refusal may all be refused. */
const slotsPerReply = 0.7;
/** Timers are coarse: calls this late are made up for at once, no more. */
const burstMs = 15;
/** From that pace on; a slower one allows a tenth of the time between two calls. */
const coarsePace = 50;
const pauseUntoldMs = 100;
const pauseUntoldMostMs = 30_000;
/** While a provider serves nobody, a call is tried from time to time: each row has but a few tries. */
const awayFirstMs = 500;
const awayMostMs = 30_000;
/** How long the others wait for what becomes of such a call. */
const awayVerdictMs = 2000;
/** Below the pace that was refused, so that the bucket fills a little. */
const belowKnown = 0.97;
/** And further below where too few were served to say how fast it fills. */
const unmeasuredCut = 0.7;
const quietMs = 1500;
/** The first refusal comes after all that was saved up in the bucket: how fast it fills is not known by then. */
const afterOvershoot = 0.5;
/** Slots are filled this much sooner than they come free. */
const spreadFactor = 1.5;
/** However long replies took: one that waited out an outage must not hold back those that come after it. */
const spreadLeastPerSecond = 4;
const heldBackWithinMs = 2000;
const unknownGrowthPerSecond = 0.35;
const knownGrowthPerSecond = 0.001;
const growthPerSecondMax = 0.1;
/** Below that there is less growth in a second: what counts is how many calls are refused. */
const slowPace = 5;
/** Calls served since the bucket was empty; fewer do not say how fast it fills. */
const measureLeast = 8;
/** Slower than in the beginning by this: more slots would only queue at the provider. */
const crowdedFactor = 5;
const baselineReplies = 16;

export function createRateLimiter(settings: LimiterSettings, startMs: number): RateLimiter {
  const isAuto = settings.concurrency === undefined;
  let slots = settings.concurrency ?? Math.min(firstSlots, settings.concurrencyMax);
  let inFlight = 0;
  let refusedCount = 0;
  let sentCount = 0;
  /** What was sent before that has been reckoned with. */
  let newsFrom = 0;
  let pauseUntilMs = 0;
  /** Calls a second; infinite until the first refusal. */
  let pace = Infinity;
  let isPaceKnown = false;
  let refusedPace = 0;
  let cutMs = startMs;
  const recentAccepts = createRecentAccepts();
  let grownMs = startMs;
  let nextCallMs = startMs;
  let nextTokenMs = startMs;
  let hintCalls = Infinity;
  let hintTokens = Infinity;
  let heldBackMs = startMs;
  /** Slots grow quickly up to here, and one at a time beyond. */
  let calmSlots = Infinity;
  /** When the bucket was seen empty, and what was sent and refused since. */
  let emptyMs = startMs;
  let emptyFrom = 0;
  let refusedSinceEmpty = 0;
  let servedBefore = 0;
  let paceRefusalsInARow = 0;
  /** In trouble, one after the other, since a call was served. */
  let triesInARow = 0;
  let verdictUntilMs = 0;
  let replies = 0;
  let baselineMs = 0;
  let recentMs = 0;
  const callsPerSecond = (): number =>
    Math.min(pace, hintCalls, (settings.callsPerMinute ?? Infinity) / 60);
  const tokensPerSecond = (): number =>
    Math.min(hintTokens, (settings.tokensPerMinute ?? Infinity) / 60);

  /** A bucket that holds one call refuses what comes sooner: at a slow pace the timers are good enough. */
  const lateMs = (): number =>
    callsPerSecond() < coarsePace ? Math.min(burstMs, 100 / callsPerSecond()) : burstMs;

  /** Slots that are free all at once are not filled all at once: small buckets have no room for that. */
  const spreadPerSecond = (): number =>
    isAuto && replies > 0
      ? Math.max(spreadLeastPerSecond, (spreadFactor * slots * 1000) / Math.max(1, recentMs))
      : Infinity;

  const untoldPauseMs = (): number =>
    triesInARow < 2 ? pauseUntoldMs : Math.min(awayMostMs, awayFirstMs * 2 ** (triesInARow - 2));

  /** An empty bucket needs time for a call, and longer where that was not enough. */
  const untoldPaceMs = (): number =>
    Math.min(pauseUntoldMostMs, Math.max(pauseUntoldMs, 1000 / pace) * 2 ** paceRefusalsInARow);

  const grow = (nowMs: number): void => {
    const elapsed = (nowMs - grownMs) / 1000;
    grownMs = nowMs;
    // Only a pace that holds something back is worth raising.
    if (pace === Infinity || nowMs > heldBackMs + heldBackWithinMs) return;
    const sinceCut = (nowMs - cutMs) / 1000;
    const probing = Math.min(growthPerSecondMax, knownGrowthPerSecond * (1 + (sinceCut / 20) ** 2));
    const isFarBelow = pace < refusedPace * 0.95;
    const rate = isPaceKnown && !isFarBelow ? probing : unknownGrowthPerSecond;
    pace *= 1 + rate * elapsed * Math.min(1, pace / slowPace);
  };

  const bucketIsEmpty = (nowMs: number, sending: number): void => {
    emptyMs = nowMs;
    emptyFrom = sending + 1;
    refusedSinceEmpty = 0;
    servedBefore = 0;
  };

  const cutPace = (nowMs: number, sending: number): void => {
    const most = (slots * 1000) / Math.max(1, recentMs);
    const counted = recentAccepts.perSecond();
    const recent = counted === undefined || replies === 0 ? counted : Math.min(counted, most);
    // What a bucket gave from one time that it was empty to the next is what flowed into it, whatever it holds.
    // Less, where it was full in between: a pace that was good so far is believed, too.
    const served = sending - emptyFrom - refusedSinceEmpty;
    const measured = (served * 1000) / Math.max(1, nowMs - emptyMs);
    const isFirst = pace === Infinity;
    paceRefusalsInARow = !isFirst && served <= servedBefore ? paceRefusalsInARow + 1 : 0;
    servedBefore = served;
    if (isFirst) {
      pace = Math.max(0.5, (recent ?? slots) * afterOvershoot);
    } else if (served >= measureLeast) {
      const wasGood = isPaceKnown && nowMs - cutMs >= quietMs;
      const known = Math.min(pace, wasGood ? Math.max(measured, recent ?? pace) : measured);
      refusedPace = (pace + known) / 2;
      pace = belowKnown * known;
      isPaceKnown = true;
    } else if (!isPaceKnown || served > 0) {
      pace = Math.max(0.1, pace * unmeasuredCut);
    }
    if (isFirst || served === 0 || served >= measureLeast) bucketIsEmpty(nowMs, sending);
    cutMs = nowMs;
    recentAccepts.clear();
  };

  const growSlots = (): void => {
    if (!isAuto || inFlight < Math.floor(slots) * 0.8) return;
    const isCrowded = replies > baselineReplies && recentMs > baselineMs * crowdedFactor;
    if (isCrowded) return;
    slots = Math.min(
      settings.concurrencyMax,
      slots + (slots < calmSlots ? slotsPerReply : 1 / slots),
    );
  };

  return {
    waitMs(nowMs, hasSlot) {
      grow(nowMs);
      if (!hasSlot && inFlight >= Math.max(1, Math.floor(slots))) return Infinity;
      if (nextCallMs - lateMs() > nowMs) heldBackMs = nowMs;
      const untilMs = Math.max(
        pauseUntilMs,
        verdictUntilMs,
        nextCallMs - lateMs(),
        nextTokenMs - lateMs(),
      );
      return Math.max(0, untilMs - nowMs);
    },
    enter() {
      inFlight += 1;
    },
    sent(nowMs, tokens) {
      if (triesInARow > 1) verdictUntilMs = nowMs + awayVerdictMs;
      const calls = Math.min(callsPerSecond(), spreadPerSecond());
      if (calls !== Infinity) nextCallMs = Math.max(nextCallMs, nowMs - lateMs()) + 1000 / calls;
      const rate = tokensPerSecond();
      if (rate !== Infinity) nextTokenMs = Math.max(nextTokenMs, nowMs) + tokensMs(tokens, rate);
      return sentCount++;
    },
    accepted(nowMs, reply) {
      triesInARow = 0;
      verdictUntilMs = 0;
      if (nowMs >= pauseUntilMs) recentAccepts.add(nowMs);
      replies += 1;
      const weight = replies <= baselineReplies ? 1 / replies : 1 / baselineReplies;
      recentMs += (reply.durationMs - recentMs) * weight;
      if (replies <= baselineReplies) baselineMs = recentMs;
      const rate = tokensPerSecond();
      if (rate !== Infinity) {
        nextTokenMs += tokensMs(reply.tokens, rate) - tokensMs(reply.tokensExpected, rate);
      }
      if (reply.hint !== undefined) {
        hintCalls = reply.hint.callsPerSecond ?? hintCalls;
        hintTokens = reply.hint.tokensPerSecond ?? hintTokens;
        if (reply.hint.emptyForMs > 0) {
          pauseUntilMs = Math.max(pauseUntilMs, nowMs + reply.hint.emptyForMs);
        }
      }
      growSlots();
    },
    refused(nowMs, sending, { isPace, retryAfterMs }) {
      refusedCount += 1;
      verdictUntilMs = 0;
      const isNews = sending >= newsFrom;
      if (isPace) triesInARow = 0;
      else if (isNews && replies > 0) triesInARow += 1;
      if (isNews) {
        newsFrom = sentCount;
        if (isPace) cutPace(nowMs, sending);
        else if (isAuto) {
          if (triesInARow === 1) calmSlots = slots / 2;
          slots = Math.max(1, slots / 2);
        }
      }
      if (sending >= emptyFrom) refusedSinceEmpty += 1;
      const untoldMs = isPace ? untoldPaceMs() : untoldPauseMs();
      pauseUntilMs = Math.max(pauseUntilMs, nowMs + (retryAfterMs ?? untoldMs));
      if (!isNews) return;
      // What waits goes on at the pace, one after the other, not all at the moment that the pause ends.
      nextCallMs = Math.max(nextCallMs, pauseUntilMs);
    },
    leave() {
      inFlight -= 1;
    },
    picture() {
      const calls = callsPerSecond();
      return {
        inFlight,
        slots: Math.floor(slots),
        callsPerSecond: calls === Infinity ? undefined : calls,
        refused: refusedCount,
        pausedUntilMs: pauseUntilMs,
      };
    },
  };
}

/** A limit is by the minute: what is said to take more, were it a million minutes, is held to take one. */
function tokensMs(tokens: number, perSecond: number): number {
  return Math.min(60_000, Math.max(0, (tokens / perSecond) * 1000));
}
