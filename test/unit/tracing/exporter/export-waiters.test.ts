import { expect, test } from "bun:test";
import { createExportWaiters } from "../../../../src/tracing/exporter/export-waiters.ts";

function waiters() {
  const exported: string[] = [];
  const clock = { nowMs: 0 };
  const made = createExportWaiters({
    waitMs: 100,
    nowMs: () => clock.nowMs,
    onExported: (calls) => exported.push(calls),
  });
  return { ...made, exported, clock };
}

test("tells of calls once the slowest destination is done with them", () => {
  const { add, done, exported } = waiters();
  add("a b", 2);
  add("c", 3);
  add("d", 4);
  done(1);
  expect(exported).toEqual([]);
  done(3);
  expect(exported).toEqual(["a b c"]);
  done(Infinity);
  done(Infinity);
  expect(exported).toEqual(["a b c", "d"]);
});

test("forgets calls that nobody waits for any more", () => {
  const { add, done, exported, clock } = waiters();
  add("old", 1);
  clock.nowMs = 150;
  add("new", 2);
  done(2);
  expect(exported).toEqual(["new"]);
});
