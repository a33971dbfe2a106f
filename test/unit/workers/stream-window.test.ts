import { expect, test } from "bun:test";
import { createStreamWindow } from "../../../src/workers/stream-window.ts";

test("there is no wait while there is credit; without, it takes enough of it to go on", async () => {
  const window = createStreamWindow(100);
  window.spend(60);
  expect(window.ready()).toBeUndefined();
  window.spend(60);
  let isReady = false;
  const waiting = window.ready()?.then(() => (isReady = true));
  window.credit(10);
  await Promise.resolve();
  expect(isReady).toBe(false);
  window.credit(20);
  await waiting;
  expect(isReady).toBe(true);
});

test("a call that is ended lets its waiter go, and nobody waits after", async () => {
  const window = createStreamWindow(0);
  const waiting = window.ready();
  window.close();
  await waiting;
  expect(window.ready()).toBeUndefined();
});
