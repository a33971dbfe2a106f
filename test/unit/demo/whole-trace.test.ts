import { describe, expect, test } from "bun:test";
import { toReceivedSpan } from "../../../src/demo/received-span.ts";
import type { ReceivedSpan, SpanFields } from "../../../src/demo/received-span.ts";
import { callsOf, problemsOf } from "../../../src/demo/whole-trace.ts";

const expected = { traceId: "t", parentSpanId: "app", attempts: 1 };

function span(
  spanId: string,
  parentSpanId: string,
  changes: Partial<SpanFields> = {},
): ReceivedSpan {
  return toReceivedSpan({
    traceId: "t",
    spanId,
    parentSpanId,
    traceState: "",
    flags: 1,
    name: "x",
    kind: 1,
    startNs: 1000n,
    endNs: 2000n,
    attributes: { values: {}, types: {} },
    status: { code: 0, message: "" },
    links: [],
    resource: {},
    scope: { name: "", version: "" },
    ...changes,
  });
}

/** One good call; each span's id begins with `id`, and each can be changed by its name. */
function goodCall(
  id = "",
  changes: Readonly<Record<string, Partial<SpanFields>>> = {},
): ReceivedSpan[] {
  const parts = [
    ["root", "app", { name: "POST /v1/messages", kind: 2 }],
    ["auth", `${id}root`, { name: "auth" }],
    ["pre_call", `${id}root`, { name: "pre_call" }],
    ["chat", `${id}root`, { name: "chat m", kind: 3 }],
    ["attempt", `${id}chat`, { name: "POST", kind: 3 }],
  ] as const;
  return parts.map(([name, parent, own]) => span(id + name, parent, { ...own, ...changes[name] }));
}

function problems(spans: readonly ReceivedSpan[], more: Partial<typeof expected> = {}): string[] {
  const [call] = callsOf(spans);
  if (call === undefined) throw new Error("no call");
  return problemsOf(call, { ...expected, ...more });
}

describe("calls that share one trace", () => {
  test("are told apart by their roots, in whatever order their spans arrived", () => {
    const spans = [...goodCall("a"), ...goodCall("b")].toReversed();
    const calls = callsOf(spans);
    expect(calls.map(({ root }) => root.spanId).toSorted()).toEqual(["aroot", "broot"]);
    expect(calls.map((call) => call.spans.length)).toEqual([5, 5]);
    expect(calls.flatMap((call) => problemsOf(call, expected))).toEqual([]);
  });

  test("are none where there is no root", () => {
    expect(callsOf([span("a", "b")])).toEqual([]);
  });
});

describe("a call", () => {
  test("that is whole has no problems", () => {
    expect(problems(goodCall())).toEqual([]);
  });

  test("whose root hangs elsewhere is not the caller's", () => {
    const spans = goodCall("", { root: { parentSpanId: "" } });
    expect(problems(spans)).toEqual(["the root's parent is not the caller"]);
  });

  test("may have no span of another trace", () => {
    const spans = goodCall("", { chat: { traceId: "other" } });
    expect(problems(spans)).toEqual(["chat m: another trace id"]);
  });

  test("may have no open span", () => {
    expect(problems(goodCall("", { attempt: { endNs: 0n } }))).toEqual(["POST: not ended"]);
  });

  test("may have no span outside its parent's time, by a nanosecond even", () => {
    const early = goodCall("", { auth: { startNs: 999n } });
    const long = goodCall("", { auth: { endNs: 2001n } });
    for (const spans of [early, long]) {
      expect(problems(spans)).toEqual(["auth: outside its parent's time"]);
    }
  });

  test("lacks what never arrived, and what hung on it", () => {
    const spans = goodCall().filter(({ name }) => name !== "chat m");
    expect(problems(spans)).toEqual(["0 chat spans instead of 1", "0 POST spans instead of 1"]);
  });

  test("has as many attempts as were made", () => {
    expect(problems(goodCall(), { attempts: 2 })).toEqual(["1 POST spans instead of 2"]);
    const blocked = goodCall().filter(({ name }) => name !== "POST");
    expect(problems(blocked, { attempts: 0 })).toEqual([]);
  });

  test("may have nothing twice", () => {
    const spans = goodCall();
    expect(problems([...spans, spans.at(-1)!])).toEqual([
      "a span id is there twice",
      "2 POST spans instead of 1",
    ]);
    expect(problems([...spans, span("again", "root", { name: "auth" })])).toEqual([
      "2 auth spans instead of 1",
    ]);
  });
});
