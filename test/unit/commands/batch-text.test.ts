import { describe, expect, test } from "bun:test";
import {
  accountText,
  dryRunText,
  durationText,
  progressText,
} from "../../../src/commands/batch-text.ts";
import type { BatchEnd } from "../../../src/batch/run-batch.ts";

const end: BatchEnd = {
  figures: {
    ok: 90,
    failed: 5,
    kept: 50,
    retries: 7,
    sentAgain: 3,
    inputTokens: 12_000,
    outputTokens: 900,
    cost: 0.0123456,
    unpriced: 0,
    p50Ms: 420,
    p95Ms: 1900,
    errors: [{ error: "400", count: 5, exampleLine: 17, exampleMessage: "no\nsuch thing" }],
    evaluation: undefined,
  },
  picture: { inFlight: 8, slots: 16, callsPerSecond: 12.5, refused: 2, pausedUntilMs: 0 },
  rows: 100,
  elapsedMs: 10_000,
  pauseMs: 0,
  traceId: "t",
  stoppedBy: "SIGINT",
  ledger: undefined,
};

test("progress is one line, and what came from before is no speed", () => {
  expect(progressText(end)).toBe(
    "95/100 rows (95 %)  4.5/s  in flight 8 of 16 ≤13/s  tokens 13k  $0.0123  errors 5  left 1.1 s",
  );
});

test("progress says what is waited for", () => {
  const said = progressText({ ...end, pauseMs: 14_200 });
  expect(said).toContain("in flight 8 of 16 ≤13/s, waits 14.2 s for the provider  tokens");
  expect(progressText({ ...end, pauseMs: 999 })).toBe(progressText(end));
});

describe("the account", () => {
  test("says what was left out, sent again and refused, and shows an error by its line", () => {
    const lines = accountText(end).split("\n");
    expect(lines).toContain("rows      ok 90   failed 5   skipped 5   (50 from before)");
    expect(lines).toContain("calls     retries 7   refused 2   sent again 3");
    expect(lines).toContain("time      10.0 s   p50 420 ms   p95 1.9 s");
    expect(lines).toContain("error     5 × 400, such as line 17: no such thing");
    expect(lines).toContain("stopped   SIGINT; the same command goes on from here");
  });

  test("never calls an unknown cost zero", () => {
    const figures = { ...end.figures, cost: 0, unpriced: 90 };
    expect(accountText({ ...end, figures })).toContain("cost      unknown for 90 rows (no price)");
  });
});

test("a dry run says so, and what it does not know", () => {
  const dry = { rows: 10, badShare: 0, inputTokens: 5, outputTokens: 6, model: "m" };
  const text = dryRunText({ ...dry, cost: undefined, seconds: undefined });
  expect(text).toContain("cost      about unknown (no price for m)");
  expect(text).toContain("time      as the provider allows");
  expect(text).toEndWith("nothing was sent");
});

test("durations are told in the unit that fits", () => {
  expect([0.5, 42, 1500, 125_000, 7_500_000].map(durationText)).toEqual([
    "0.5 ms",
    "42 ms",
    "1.5 s",
    "2 min 5 s",
    "2 h 5 min",
  ]);
});

test("what a provider answered drives no terminal", () => {
  const errors = [
    { error: "x\u001b[31m", count: 1, exampleLine: 2, exampleMessage: "so\u001b[2J\u009bm it" },
  ];
  const shown = accountText({ ...end, figures: { ...end.figures, errors }, stoppedBy: "a\u0007b" });
  expect(shown).not.toMatch(/(?!\n)\p{Cc}/u);
  expect(shown).toContain("error     1 × x?[31m, such as line 2: so?[2J?m it");
});
