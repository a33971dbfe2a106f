// Finds out how fast a provider may be called, and keeps to it: slots grow while all goes well and halve when the
// provider is overloaded; refusals for pace set a pace. Pure but for its own state: the clock is passed in.
//
// A provider that counts calls refills a bucket. The first refusal comes when what had gathered there is used up,
// and halves the pace; from there it rises quickly to the next, and then stays just below what was refused.

import type { RateHint } from "./rate-headers.ts";

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
  /** A call, or its repetition, is sent; returns the round that its verdict is about. */
  readonly sent: (nowMs: number, tokens: number) => number;
  readonly accepted: (nowMs: number, reply: AcceptedReply) => void;
  readonly refused: (nowMs: number, round: number, refusal: Refusal) => void;
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
const slotsPerReply = 0.4;
/** Timers are coarse: calls this late are made up for at once, no more. */
const burstMs = 15;
const pauseUntoldMs = 100;
/** While a provider serves nobody, a call is tried from time to time: each row has but a few tries. */
const awayFirstMs = 500;
const awayMostMs = 30_000;
/** How long the others wait for what becomes of such a call. */
const awayVerdictMs = 2000;
/** Below the pace that was refused, so that the bucket fills a little. */
const belowKnown = 0.97;
/** And further below where the refusals go on. */
const repeatedCut = 0.92;
const deepestCut = 0.7;
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
/** Slower than in the beginning by this: more slots would only queue at the provider. */
const crowdedFactor = 5;
const baselineReplies = 16;

export function createRateLimiter(settings: LimiterSettings, startMs: number): RateLimiter {
  const isAuto = settings.concurrency === undefined;
  let slots = settings.concurrency ?? Math.min(firstSlots, settings.concurrencyMax);
  let inFlight = 0;
  let refusedCount = 0;
  let round = 0;
  let pauseUntilMs = 0;
  /** Calls a second; infinite until the first refusal. */
  let pace = Infinity;
  let isPaceKnown = false;
  let refusedPace = 0;
  let cutMs = startMs;
  let cutsInARow = 0;
  const recentAccepts = createRecentAccepts();
  let grownMs = startMs;
  let nextCallMs = startMs;
  let nextTokenMs = startMs;
  let hintCalls = Infinity;
  let hintTokens = Infinity;
  let heldBackMs = startMs;
  let isOverloaded = false;
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

  /** Slots that are free all at once are not filled all at once: small buckets have no room for that. */
  const spreadPerSecond = (): number =>
    isAuto && replies > 0
      ? Math.max(spreadLeastPerSecond, (spreadFactor * slots * 1000) / Math.max(1, recentMs))
      : Infinity;

  const untoldPauseMs = (): number =>
    triesInARow < 2 ? pauseUntoldMs : Math.min(awayMostMs, awayFirstMs * 2 ** (triesInARow - 2));

  const grow = (nowMs: number): void => {
    const elapsed = (nowMs - grownMs) / 1000;
    grownMs = nowMs;
    // Only a pace that holds something back is worth raising.
    if (pace === Infinity || nowMs > heldBackMs + heldBackWithinMs) return;
    const sinceCut = (nowMs - cutMs) / 1000;
    const probing = Math.min(growthPerSecondMax, knownGrowthPerSecond * (1 + (sinceCut / 20) ** 2));
    const isFarBelow = pace < refusedPace * 0.95;
    const rate = isPaceKnown && !isFarBelow ? probing : unknownGrowthPerSecond;
    pace *= 1 + rate * elapsed;
  };

  const cutPace = (nowMs: number): void => {
    const most = (slots * 1000) / Math.max(1, recentMs);
    const counted = recentAccepts.perSecond();
    const recent = counted === undefined || replies === 0 ? counted : Math.min(counted, most);
    cutsInARow = nowMs - cutMs < quietMs ? cutsInARow + 1 : 0;
    const before = pace;
    if (pace === Infinity) {
      pace = Math.max(0.5, (recent ?? slots) * afterOvershoot);
    } else {
      const known = Math.min(pace, recent ?? pace);
      pace = Math.max(
        0.1,
        known * (cutsInARow === 0 ? belowKnown : Math.max(deepestCut, repeatedCut ** cutsInARow)),
      );
      refusedPace = (before + known) / 2;
      isPaceKnown = true;
    }
    cutMs = nowMs;
    recentAccepts.clear();
  };

  const growSlots = (): void => {
    if (!isAuto || inFlight < slots * 0.8) return;
    const isCrowded = replies > baselineReplies && recentMs > baselineMs * crowdedFactor;
    if (isCrowded) return;
    slots = Math.min(settings.concurrencyMax, slots + (isOverloaded ? 1 / slots : slotsPerReply));
  };

  return {
    waitMs(nowMs, hasSlot) {
      grow(nowMs);
      if (!hasSlot && inFlight >= Math.max(1, Math.floor(slots))) return Infinity;
      if (nextCallMs - burstMs > nowMs) heldBackMs = nowMs;
      const untilMs = Math.max(
        pauseUntilMs,
        verdictUntilMs,
        nextCallMs - burstMs,
        nextTokenMs - burstMs,
      );
      return Math.max(0, untilMs - nowMs);
    },
    enter() {
      inFlight += 1;
    },
    sent(nowMs, tokens) {
      if (triesInARow > 1) verdictUntilMs = nowMs + awayVerdictMs;
      const calls = Math.min(callsPerSecond(), spreadPerSecond());
      if (calls !== Infinity) nextCallMs = Math.max(nextCallMs, nowMs - burstMs) + 1000 / calls;
      const rate = tokensPerSecond();
      if (rate !== Infinity) nextTokenMs = Math.max(nextTokenMs, nowMs) + tokensMs(tokens, rate);
      return round;
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
    refused(nowMs, sentRound, { isPace, retryAfterMs }) {
      refusedCount += 1;
      verdictUntilMs = 0;
      if (isPace) triesInARow = 0;
      else if (sentRound === round && replies > 0) triesInARow += 1;
      pauseUntilMs = Math.max(pauseUntilMs, nowMs + (retryAfterMs ?? untoldPauseMs()));
      if (sentRound < round) return; // sent before the last cut: its news are old
      round += 1;
      if (isPace) {
        cutPace(nowMs);
      } else {
        isOverloaded = true;
        if (isAuto) slots = Math.max(1, slots / 2);
      }
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

interface RecentAccepts {
  readonly add: (nowMs: number) => void;
  /** Undefined while too few are known. */
  readonly perSecond: () => number | undefined;
  readonly clear: () => void;
}

const recentMax = 64;
const recentMin = 8;

function createRecentAccepts(): RecentAccepts {
  const times = new Float64Array(recentMax);
  let count = 0;
  return {
    add(nowMs) {
      times[count % recentMax] = nowMs;
      count += 1;
    },
    perSecond() {
      if (count < recentMin) return undefined;
      const last = times[(count - 1) % recentMax] ?? 0;
      const first = times[count <= recentMax ? 0 : count % recentMax] ?? 0;
      return ((Math.min(count, recentMax) - 1) * 1000) / Math.max(1, last - first);
    },
    clear() {
      count = 0;
    },
  };
}
