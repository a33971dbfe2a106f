import { describe, expect, test } from "bun:test";
import { createOpenCalls } from "../../../src/server/open-calls.ts";
import type { OpenCalls } from "../../../src/server/open-calls.ts";
import type { ServerCall } from "../../../src/server/server-call.ts";
import { journalOf, sealCall } from "../../../src/server/server-call.ts";
import { createCallSource } from "../../support/server-calls.ts";
import { configOf } from "../config/resolve-text.ts";

function setUp() {
  const source = createCallSource();
  const journaled: string[] = [];
  const { providers } = configOf(`
providers:
  small: { api: openai, base_url: "http://a.test/v1", concurrency: 2 }
  large: { api: openai, base_url: "http://b.test/v1" }
`);
  let admissions = 0;
  const openCalls: OpenCalls = createOpenCalls({
    providers,
    clock: source.clock,
    journal: ({ call }) => void journaled.push(call),
    admitted: () => void (admissions += 1),
    bug: () => undefined,
  });
  const admit = (provider = "large"): ServerCall => {
    const call = source.open();
    openCalls.admit(call, provider);
    return call;
  };
  return { ...source, openCalls, admit, journaled, admissions: () => admissions };
}

describe("a provider's calls", () => {
  test("are as many as it may have; the next one is refused and leaves nothing behind", () => {
    const { openCalls, admit, open, admissions } = setUp();
    const first = admit("small");
    admit("small");
    const refused = open();
    expect(() => openCalls.admit(refused, "small")).toThrow("provider small has 2 calls in flight");
    expect(openCalls.count()).toBe(2);
    expect(admissions()).toBe(2);
    admit("large");
    openCalls.release(refused, "small"); // it never was in flight
    expect(() => openCalls.admit(refused, "small")).toThrow("2 calls");
    openCalls.release(first, "small");
    openCalls.release(first, "small");
    openCalls.admit(refused, "small");
    expect(() => openCalls.admit(open(), "small")).toThrow("2 calls");
  });
});

describe("journaling", () => {
  test("takes a call when it has been open for 40 ms, oldest first, and once", () => {
    const { openCalls, admit, journaled, tick } = setUp();
    const first = admit();
    tick(10);
    const second = admit();
    tick(29);
    openCalls.journalDue();
    expect(journaled).toEqual([]);
    tick(1);
    openCalls.journalDue();
    expect(journaled).toEqual([first.id]);
    tick(10);
    openCalls.journalDue();
    openCalls.journalDue();
    expect(journaled).toEqual([first.id, second.id]);
  });

  test("leaves out calls that have ended, are sealed, or are journaled already", () => {
    const { openCalls, admit, journaled, tick } = setUp();
    openCalls.release(admit(), "large");
    sealCall(admit(), { status: 200 });
    journalOf(admit());
    const open = admit();
    tick(1000);
    openCalls.journalDue();
    expect(journaled).toEqual([open.id]);
  });

  test("reaches a call that was long in coming in, behind younger ones", () => {
    const { openCalls, admit, journaled, open, tick } = setUp();
    const slow = open(); // its body takes its time
    tick(500);
    const young = admit();
    openCalls.admit(slow, "large");
    tick(40);
    openCalls.journalDue();
    expect(journaled).toEqual([young.id, slow.id]);
  });
});

test("spans of calls in flight are counted, and no longer once these have ended", () => {
  const { openCalls, admit } = setUp();
  const first = admit();
  first.spans.start({ name: "auth", kind: 1 }, first.root);
  admit();
  expect(openCalls.spanCount()).toBe(3);
  openCalls.release(first, "large");
  expect(openCalls.spanCount()).toBe(1);
});

test("whoever waits for quiet is told when the last call has ended, or at once", async () => {
  const { openCalls, admit } = setUp();
  await openCalls.idle();
  const calls = [admit(), admit()];
  let told = 0;
  const both = Promise.all([openCalls.idle(), openCalls.idle()]).then(() => told++);
  openCalls.release(calls[0]!, "large");
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toBe(0);
  openCalls.release(calls[1]!, "large");
  await both;
  expect(told).toBe(1);
});
