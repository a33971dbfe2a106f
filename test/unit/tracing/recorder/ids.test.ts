import { expect, test } from "bun:test";
import { createIdSource } from "../../../../src/tracing/recorder/ids.ts";

test("ids are of the right shape, and none comes twice, over many refills of the pool", () => {
  const ids = createIdSource();
  const seen = new Set<string>();
  for (let at = 0; at < 20_000; at++) {
    const [traceId, spanId] = [ids.traceId(), ids.spanId()];
    if (!/^[0-9a-f]{32}$/.test(traceId) || !/^[0-9a-f]{16}$/.test(spanId)) throw new Error(traceId);
    seen.add(traceId).add(spanId);
  }
  expect(seen.size).toBe(40_000);
});

test("call ids sort by time", () => {
  const { callId } = createIdSource();
  const made = Array.from({ length: 1000 }, callId);
  expect(made.toSorted()).toEqual(made);
});
