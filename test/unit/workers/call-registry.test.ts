import { expect, test } from "bun:test";
import { createCallRegistry } from "../../../src/workers/call-registry.ts";

function setUp() {
  let nowMs = 0;
  const posted: string[] = [];
  const told: string[] = [];
  const registry = createCallRegistry({
    clock: () => nowMs,
    post: (message) => void posted.push(`${message.kind} ${"call" in message ? message.call : ""}`),
  });
  const open = (call: string): void =>
    registry.open({
      call,
      cancel: (code) => void told.push(`${call} cancel ${code}`),
      credit: (bytes) => void told.push(`${call} credit ${bytes}`),
      resume: () => void told.push(`${call} resume`),
      snapshot: () => ({ spans: "s", spanCount: 1 }),
    });
  return { registry, open, posted, told, tick: (ms: number) => void (nowMs += ms) };
}

test("a cancel finds its call, even if it came first; a credit for none is no matter", () => {
  const { registry, open, told } = setUp();
  registry.cancel("b", "draining");
  open("a");
  open("b");
  registry.cancel("a", "client_disconnected");
  registry.credit("a", 5);
  registry.credit("unknown", 5);
  registry.close("a");
  registry.credit("a", 5);
  expect(told).toEqual(["b cancel draining", "a cancel client_disconnected", "a credit 5"]);
});

test("a call is journaled once it is 20 ms old, and again when a span of it begins", () => {
  const { registry, open, posted, tick } = setUp();
  open("a");
  open("gone");
  registry.spanStarted("a");
  tick(19);
  open("young");
  registry.journalDue();
  expect(posted).toEqual([]);
  registry.close("gone");
  tick(1);
  registry.journalDue();
  registry.journalDue();
  expect(posted).toEqual(["journal a"]);
  registry.spanStarted("a");
  registry.spanStarted("young");
  expect(posted).toEqual(["journal a", "journal a"]);
});

test("cancels of calls that never come are forgotten at some point", () => {
  const { registry, open, told } = setUp();
  for (let at = 0; at < 5000; at++) registry.cancel(`c${at}`, "draining");
  open("c0");
  open("c4999");
  expect(told).toEqual(["c4999 cancel draining"]);
});
