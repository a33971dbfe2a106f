// The limiter against providers that exist in a loop only: virtual time, no sockets, the same every time.

import { describe, expect, test } from "bun:test";
import { slotsMax } from "../../../src/batch/prepare-job.ts";
import { createRateLimiter, type LimiterSettings } from "../../../src/batch/rate-limiter.ts";

interface World {
  readonly ratePerSecond: number;
  readonly burst: number;
  readonly latencyMs: number;
  readonly retryAfterMs?: number | undefined;
  readonly calls: number;
  readonly settings?: Partial<LimiterSettings>;
  /** The provider's own limit of calls at once; over it 529. */
  readonly atOnceMax?: number;
  /** Nobody is served in that time. */
  readonly outage?: { readonly fromMs: number; readonly toMs: number; readonly status: 429 | 503 };
}

const auto: LimiterSettings = {
  concurrency: undefined,
  concurrencyMax: 1000,
  callsPerMinute: undefined,
  tokensPerMinute: undefined,
};

/** Plays a run in steps of a millisecond; what is refused is sent again first. */
function play(world: World) {
  const limiter = createRateLimiter({ ...auto, ...world.settings }, 0);
  let tokens = world.burst;
  let waiting = world.calls;
  let again = 0;
  let done = 0;
  let refused = 0;
  let atOnce = 0;
  let atOnceMax = 0;
  const sends: number[] = [];
  const served: number[] = [];
  const refusals: number[] = [];
  const due = new Map<number, (() => void)[]>();
  const at = (time: number, act: () => void): void => {
    due.set(time, [...(due.get(time) ?? []), act]);
  };
  const send = (now: number): void => {
    const sending = limiter.sent(now, 100);
    sends.push(now);
    atOnce += 1;
    atOnceMax = Math.max(atOnceMax, atOnce);
    const { outage } = world;
    const isOut = outage !== undefined && now >= outage.fromMs && now < outage.toMs;
    const isOver = isOut ? outage.status === 503 : atOnce > (world.atOnceMax ?? Infinity);
    const isRefused = isOut || isOver || tokens < 1;
    if (isRefused) refusals.push(now);
    else {
      tokens -= 1;
      served.push(now);
    }
    const latency = isRefused ? 5 : world.latencyMs;
    at(now + latency, () => {
      atOnce -= 1;
      if (isRefused) {
        refused += 1;
        again += 1;
        limiter.refused(now + latency, sending, {
          isPace: !isOver,
          retryAfterMs: world.retryAfterMs,
        });
        return;
      }
      done += 1;
      limiter.accepted(now + latency, {
        durationMs: latency,
        tokensExpected: 100,
        tokens: 100,
        hint: undefined,
      });
      limiter.leave();
    });
  };
  let now = 0;
  for (; done < world.calls && now < 3_600_000; now++) {
    tokens = Math.min(world.burst, tokens + world.ratePerSecond / 1000);
    for (const act of due.get(now) ?? []) act();
    due.delete(now);
    while (again > 0 && limiter.waitMs(now, true) === 0) {
      again -= 1;
      send(now);
    }
    if (again > 0) continue;
    while (waiting > 0 && limiter.waitMs(now, false) === 0) {
      waiting -= 1;
      limiter.enter();
      send(now);
    }
  }
  const picture = limiter.picture();
  return { seconds: now / 1000, refused, sends, served, refusals, atOnceMax, picture };
}

/** The least time the bucket allows, over the time it took. */
function shareOfBest(world: World, seconds: number): number {
  return (world.calls - world.burst) / world.ratePerSecond / seconds;
}

describe("against a bucket of tokens", () => {
  const worlds: readonly World[] = [
    { ratePerSecond: 100, burst: 100, latencyMs: 200, calls: 4000 },
    { ratePerSecond: 100, burst: 10, latencyMs: 50, calls: 4000 },
    { ratePerSecond: 300, burst: 300, latencyMs: 30, calls: 6000 },
    { ratePerSecond: 300, burst: 30, latencyMs: 400, calls: 20_000, retryAfterMs: 200 },
    { ratePerSecond: 50, burst: 50, latencyMs: 1000, calls: 6000, retryAfterMs: 1000 },
    { ratePerSecond: 1000, burst: 1000, latencyMs: 20, calls: 20_000 },
    { ratePerSecond: 8, burst: 4, latencyMs: 800, calls: 800, retryAfterMs: 500 },
    { ratePerSecond: 5, burst: 5, latencyMs: 1000, calls: 600 },
    { ratePerSecond: 5, burst: 10, latencyMs: 100, calls: 1500, retryAfterMs: 1000 },
    { ratePerSecond: 5, burst: 1, latencyMs: 300, calls: 1500 },
    { ratePerSecond: 100, burst: 1000, latencyMs: 300, calls: 9000, retryAfterMs: 1000 },
    { ratePerSecond: 100, burst: 100, latencyMs: 5000, calls: 60_000 },
  ];
  for (const world of worlds) {
    const { ratePerSecond, burst, latencyMs, retryAfterMs = 0 } = world;
    test(`reaches 0.9 of ${ratePerSecond}/s with under 2 % refused (burst ${burst}, latency ${latencyMs}, retry-after ${retryAfterMs})`, () => {
      const { seconds, refused } = play(world);
      if (Bun.argv.includes("--figures"))
        console.log(world, seconds, refused / world.calls, shareOfBest(world, seconds));
      expect(shareOfBest(world, seconds)).toBeGreaterThanOrEqual(0.9);
      expect(refused / world.calls).toBeLessThan(0.02);
    });
  }
});

test("slots grow as quickly as ever after a provider that was not there at first", () => {
  const outage = { fromMs: 0, toMs: 3000, status: 503 } as const;
  const { served } = play({
    ratePerSecond: 100,
    burst: 100,
    latencyMs: 1000,
    calls: 3000,
    outage,
  });
  expect(served.filter((time) => time < 30_000).length).toBeGreaterThan(1000);
});

test("a provider that is both quick to serve and slow to answer is given all that it takes", () => {
  const world = { ratePerSecond: 600, burst: 600, latencyMs: 5000, calls: 100_000 };
  const { served } = play({ ...world, settings: { concurrencyMax: slotsMax } });
  const inTime = served.filter((time) => time >= 100_000 && time < 130_000);
  expect(inTime.length).toBeGreaterThan(0.9 * 600 * 30);
});

describe("after ten seconds in which nobody was served", () => {
  for (const status of [503, 429] as const) {
    for (const retryAfterMs of [undefined, 1000]) {
      test(`as many are served as before, none at once (${status}, retry-after ${retryAfterMs})`, () => {
        const outage = { fromMs: 30_000, toMs: 40_000, status };
        const bucket = { ratePerSecond: 20, burst: 20, latencyMs: 300, calls: 1600 };
        const { served, refusals } = play({ ...bucket, outage, retryAfterMs });
        const between = (times: readonly number[], from: number, to: number): number =>
          times.filter((time) => time >= from && time < to).length;
        expect(between(refusals, 31_000, 40_000)).toBeLessThanOrEqual(12);
        expect(between(refusals, 40_000, 75_000)).toBeLessThanOrEqual(6);
        expect(between(served, 50_000, 70_000)).toBeGreaterThan(0.9 * 20 * 20);
      });
    }
  }
});

describe("slots", () => {
  test("halve when the provider is overloaded, and settle near what it takes", () => {
    const { atOnceMax, picture, refused } = play({
      ratePerSecond: 1e6,
      burst: 1e6,
      latencyMs: 100,
      calls: 5000,
      atOnceMax: 40,
    });
    expect(atOnceMax).toBeLessThan(100);
    expect(picture.slots).toBeLessThanOrEqual(60);
    expect(refused / 5000).toBeLessThan(0.1);
  });

  test("are as many as asked for, and no more", () => {
    const world = { ratePerSecond: 1e6, burst: 1e6, latencyMs: 100, calls: 500 };
    const { atOnceMax, seconds } = play({ ...world, settings: { concurrency: 10 } });
    expect(atOnceMax).toBe(10);
    expect(seconds).toBeLessThan(5.5);
  });
});

describe("limits of one's own", () => {
  const world = { ratePerSecond: 1e6, burst: 1e6, latencyMs: 20 };

  test("--rpm is kept in every second, without a burst at the start", () => {
    const { sends } = play({ ...world, calls: 100, settings: { callsPerMinute: 600 } });
    for (let second = 0; second < 9; second++) {
      const within = sends.filter((at) => at >= second * 1000 && at < (second + 1) * 1000);
      expect(within.length).toBeLessThanOrEqual(11);
      expect(within.length).toBeGreaterThanOrEqual(9);
    }
  });

  test("--tpm counts what calls take", () => {
    const { seconds } = play({ ...world, calls: 100, settings: { tokensPerMinute: 60_000 } });
    expect(seconds).toBeGreaterThan(9);
    expect(seconds).toBeLessThan(11);
  });
});

test("no call takes more of a limit of tokens than a minute has, whatever it is said to have used", () => {
  const limiter = createRateLimiter({ ...auto, tokensPerMinute: 60_000 }, 0);
  limiter.enter();
  limiter.sent(0, 10 ** 9);
  expect(limiter.waitMs(0, true)).toBeLessThanOrEqual(60_000);
  const reply = { durationMs: 1, tokensExpected: 10 ** 9, tokens: Number.MAX_SAFE_INTEGER };
  limiter.accepted(1, { ...reply, hint: undefined });
  limiter.leave();
  expect(limiter.waitMs(1, true)).toBeLessThanOrEqual(60_000);
  limiter.accepted(60_000, { ...reply, tokens: 0, hint: undefined });
  expect(limiter.waitMs(60_000, true)).toBe(0);
  // A request may ask for a negative length.
  limiter.accepted(60_000, { ...reply, tokensExpected: -(10 ** 9), tokens: 10, hint: undefined });
  expect(limiter.waitMs(60_000, true)).toBeLessThanOrEqual(60_000);
});

test("nothing is sent before retry-after is over, and then one after the other", () => {
  const limiter = createRateLimiter(auto, 0);
  const rounds = [0, 1, 2].map((at) => {
    limiter.enter();
    return limiter.sent(at, 1);
  });
  for (const round of rounds) {
    limiter.refused(10, round, { isPace: true, retryAfterMs: 2000 });
  }
  expect(limiter.waitMs(11, true)).toBeGreaterThanOrEqual(1999);
  expect(limiter.waitMs(2010, true)).toBe(0);
  limiter.sent(2010, 1);
  expect(limiter.waitMs(2010, true)).toBeGreaterThan(0);
});

test("a reply that names the limit sets the pace before anything is refused", () => {
  const limiter = createRateLimiter(auto, 0);
  limiter.enter();
  limiter.sent(0, 1);
  const hint = { callsPerSecond: 2, tokensPerSecond: undefined, emptyForMs: 0 };
  limiter.accepted(100, { durationMs: 100, tokensExpected: 1, tokens: 1, hint });
  limiter.sent(100, 1);
  expect(limiter.waitMs(101, true)).toBeGreaterThan(400);
  expect(limiter.picture().callsPerSecond).toBe(2);
});

describe("a provider that serves nobody any more", () => {
  const away = { isPace: false, retryAfterMs: undefined };
  const reply = { tokensExpected: 1, tokens: 1, hint: undefined };

  /** How long nothing is sent after each of so many refusals in a row. */
  function pauses(
    limiter: ReturnType<typeof createRateLimiter>,
    { count, fromMs = 0 }: { readonly count: number; readonly fromMs?: number },
  ): number[] {
    return Array.from({ length: count }, (_, at) => {
      const now = fromMs + 1_000_000 * (at + 1);
      const sending = limiter.sent(now, 1);
      limiter.refused(now, sending, away);
      limiter.refused(now, sending, away); // what was sent along with it
      return Math.round(limiter.waitMs(now, true));
    });
  }

  test("is tried less and less, up to half a minute, until it is there again", () => {
    const limiter = createRateLimiter(auto, 0);
    limiter.enter();
    limiter.sent(0, 1);
    limiter.accepted(20, { ...reply, durationMs: 20 });
    expect(pauses(limiter, { count: 9 })).toEqual([
      100, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
    ]);
    expect(limiter.picture().pausedUntilMs).toBe(9_030_000);
    limiter.accepted(20_000_000, { ...reply, durationMs: 20 });
    expect(pauses(limiter, { count: 2, fromMs: 20_000_000 })).toEqual([100, 500]);
  });

  test("is tried by one call at a time, as many slots as there may be", () => {
    const limiter = createRateLimiter({ ...auto, concurrency: 16 }, 0);
    const served = limiter.sent(0, 1);
    limiter.accepted(20, { ...reply, durationMs: 20 });
    limiter.refused(30, served, away);
    limiter.refused(200, limiter.sent(180, 1), away);
    expect(limiter.waitMs(700, true)).toBe(0);
    limiter.sent(700, 1);
    expect(limiter.waitMs(701, true)).toBeGreaterThan(1000);
    limiter.accepted(720, { ...reply, durationMs: 20 });
    expect(limiter.waitMs(720, true)).toBe(0);
  });

  test("is not waited for when it never did", () => {
    expect(pauses(createRateLimiter(auto, 0), { count: 4 })).toEqual([100, 100, 100, 100]);
  });
});

test("replies that took an hour do not make the next ones wait for another", () => {
  const limiter = createRateLimiter(auto, 0);
  for (let at = 0; at < 200; at++) {
    limiter.enter();
    limiter.sent(at, 1);
  }
  for (let at = 0; at < 200; at++) {
    const hint = undefined;
    limiter.accepted(3_600_000, { durationMs: 3_600_000, tokensExpected: 1, tokens: 1, hint });
  }
  limiter.sent(3_600_001, 1);
  limiter.sent(3_600_001, 1);
  expect(limiter.waitMs(3_600_001, true)).toBeLessThan(1000);
});
