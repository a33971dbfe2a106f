import { expect, test } from "bun:test";
import { createInterruptibleWait } from "../../../../src/tracing/exporter/interruptible-wait.ts";

test("a wait ends when it is cut, and a cut that came before is remembered once", async () => {
  const { wait, cut, reset } = createInterruptibleWait();
  const waiting = wait(Infinity);
  cut();
  await waiting;
  cut();
  await wait(Infinity);
  cut();
  reset();
  const startedAt = performance.now();
  await wait(20);
  expect(performance.now() - startedAt).toBeGreaterThan(15);
});
