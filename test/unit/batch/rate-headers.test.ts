import { describe, expect, test } from "bun:test";
import { rateHint, resetMs } from "../../../src/batch/rate-headers.ts";

const now = Date.parse("2026-11-21T10:00:00Z");

describe("rate limit headers", () => {
  test("of OpenAI give calls and tokens a second, a little below what is allowed", () => {
    const hint = rateHint(
      JSON.stringify({
        "x-ratelimit-limit-requests": "6000",
        "x-ratelimit-limit-tokens": "600000",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m30.5s",
      }),
      now,
    );
    expect(hint?.callsPerSecond).toBeCloseTo(98, 9);
    expect(hint?.tokensPerSecond).toBeCloseTo(9800, 9);
  });

  test("of a bucket that is empty say how long until a call has flowed in, not until it is full", () => {
    const empty = (reset: string, limit?: string): number | undefined =>
      rateHint(
        JSON.stringify({
          "x-ratelimit-remaining-requests": "0",
          "x-ratelimit-reset-requests": reset,
          ...(limit !== undefined && { "x-ratelimit-limit-requests": limit }),
        }),
        now,
      )?.emptyForMs;
    expect(empty("1m0s", "300")).toBeCloseTo(1000 / 4.9, 6);
    expect(empty("20ms", "300")).toBe(20);
    expect(empty("1m30.5s")).toBe(60_000);
  });

  test("of Anthropic are read, too", () => {
    const hint = rateHint(
      JSON.stringify({
        "anthropic-ratelimit-requests-limit": "60",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-11-21T10:00:02Z",
      }),
      now,
    );
    expect(hint).toEqual({
      callsPerSecond: 0.98,
      tokensPerSecond: undefined,
      emptyForMs: 1000 / 0.98,
    });
  });

  test("that say nothing of a limit, or nonsense, change nothing", () => {
    expect(rateHint("{}", now)).toBe(undefined);
    expect(rateHint('{"x-ratelimit-remaining-requests":"9999"}', now)).toBe(undefined);
    expect(rateHint('{"x-ratelimit-limit-requests":"many"}', now)).toBe(undefined);
    expect(rateHint('{"x-ratelimit-limit-requests":"-1"}', now)).toBe(undefined);
    expect(rateHint('{"x-ratelimit-limit-requests":"0"}', now)?.callsPerSecond).toBe(undefined);
    const little = rateHint('{"x-ratelimit-limit-requests":"1e-300"}', now)?.callsPerSecond;
    expect(little).toBeGreaterThan(0.01);
  });
});

test("durations and dates are told apart; anything else is no time", () => {
  expect(
    ["12ms", "1.5s", "1m", "6m0s", "", "soon", "1x"].map((text) => resetMs(text, now)),
  ).toEqual([12, 1500, 60_000, 60_000, 0, 0, 0]);
  expect(resetMs("2026-11-21T09:00:00Z", now)).toBe(0);
});
