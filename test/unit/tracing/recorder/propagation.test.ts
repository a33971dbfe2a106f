import { describe, expect, test } from "bun:test";
import {
  baggageMember,
  formatTraceparent,
  parseTraceparent,
} from "../../../../src/tracing/recorder/propagation.ts";
import {
  callerTraceState,
  malformedTraceparents,
  newCallerSpan,
} from "../../../support/trace-context.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";

describe("traceparent", () => {
  test("is read, and written again as it was", () => {
    const { headers } = newCallerSpan();
    const context = parseTraceparent(headers["traceparent"], headers["tracestate"]);
    expect(context).toMatchObject({ traceFlags: 1, isRemote: true, traceState: callerTraceState });
    expect(formatTraceparent(context!)).toBe(headers["traceparent"] ?? "");
  });

  test.each([...malformedTraceparents, "", null, undefined, `00-${traceId}-${spanId}-01, 00-x`])(
    "%p begins a new trace",
    (traceparent) => {
      expect(parseTraceparent(traceparent, callerTraceState)).toBeUndefined();
    },
  );

  test("of a later version is read by its first fields, and goes on as version 00", () => {
    const context = parseTraceparent(`cc-${traceId}-${spanId}-03-what-is-to-come`);
    expect(formatTraceparent(context!)).toBe(`00-${traceId}-${spanId}-03`);
  });

  test("keeps the flags that are known, the random one too, and no others", () => {
    expect(parseTraceparent(`00-${traceId}-${spanId}-03`)?.traceFlags).toBe(3);
    expect(parseTraceparent(`00-${traceId}-${spanId}-ff`)?.traceFlags).toBe(3);
    expect(parseTraceparent(` 00-${traceId}-${spanId}-00 `)?.traceFlags).toBe(0);
  });
});

describe("tracestate", () => {
  const stateOf = (tracestate: string): string | undefined =>
    parseTraceparent(`00-${traceId}-${spanId}-01`, tracestate)?.traceState;

  test.each([
    ["a=1, b=2 ,,c=3", "a=1,b=2,c=3"],
    ["tenant@vendor=x", "tenant@vendor=x"],
    ["A=1", ""],
    ["a=1,b", ""],
    ["a=1\r\nx: y", ""],
    ["a=é", ""],
    [Array.from({ length: 33 }, (_, at) => `k${at}=v`).join(","), ""],
  ])("%p is %p, and never costs the traceparent", (sent, kept) => {
    expect(stateOf(sent)).toBe(kept);
  });

  test("is shortened by whole entries, the long ones first", () => {
    const long = `long=${"x".repeat(200)}`;
    const short = Array.from({ length: 20 }, (_, at) => `k${at}=${"y".repeat(20)}`);
    const kept = stateOf([long, ...short].join(","))?.split(",") ?? [];
    expect(kept.join(",").length).toBeLessThanOrEqual(512);
    expect(kept).toEqual(short.slice(0, kept.length));
  });
});

describe("baggage", () => {
  test.each([
    ["session.id=abc", "abc"],
    ["a=1, session.id = a%20b ;prop=1,c=2", "a b"],
    ["session.id=%zz", "%zz"],
    ["session.idx=1", undefined],
    ["", undefined],
    [`session.id=x,${"a=b,".repeat(70)}`, undefined],
    [`session.id=${"x".repeat(9000)}`, undefined],
  ])("%p says %p", (baggage, value) => {
    expect(baggageMember(baggage, "session.id")).toBe(value as string);
  });
});
