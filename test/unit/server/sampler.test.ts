import { expect, test } from "bun:test";
import { createSampler } from "../../../src/server/sampler.ts";
import type { SpanContext } from "../../../src/tracing/recorder/propagation.ts";

const low = `${"0".repeat(31)}1`;
const high = "f".repeat(32);

function caller(traceFlags: number): SpanContext {
  return { traceId: low, spanId: "1".repeat(16), traceFlags, traceState: "", isRemote: true };
}

test.each([
  ["always_on", 1, undefined, high, 3],
  ["always_off", 1, undefined, high, 2],
  ["always_off", 1, 1, high, 0],
  ["always_on", 1, 0, high, 1],
  ["parentbased_always_on", 1, undefined, high, 3],
  ["parentbased_always_on", 1, 0, high, 0],
  ["parentbased_always_on", 1, 3, high, 3],
  ["parentbased_always_off", 1, undefined, high, 2],
  ["parentbased_always_off", 1, 1, high, 1],
  ["traceidratio", 0.5, undefined, low, 3],
  ["traceidratio", 0.5, undefined, high, 2],
  ["traceidratio", 0.5, 1, high, 0],
  ["parentbased_traceidratio", 0, 2, low, 2],
  ["parentbased_traceidratio", 0, undefined, low, 2],
] as const)(
  "%s %p under a caller's %p: %s gets flags %p",
  (...[kind, ratio, flags, traceId, expected]) => {
    const sampler = createSampler({ kind, ratio });
    expect(sampler(traceId, flags === undefined ? undefined : caller(flags))).toBe(expected);
  },
);
