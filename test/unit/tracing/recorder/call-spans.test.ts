import { describe, expect, test } from "bun:test";
import { createCallSpans } from "../../../../src/tracing/recorder/call-spans.ts";
import type { CallSpans } from "../../../../src/tracing/recorder/call-spans.ts";
import { decodeSpans } from "../../../../src/tracing/recorder/span-decoding.ts";

const trace = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "",
  traceFlags: 1,
  traceState: "a=1",
  isRemote: false,
};

function record(notBeforeMs = 0): { spans: CallSpans; tick: (ms: number) => void } {
  let nowMs = 1_700_000_000_000;
  let ids = 0;
  const spanId = (): string => (++ids).toString(16).padStart(16, "0");
  const spans = createCallSpans({ clock: () => nowMs, ids: { spanId } }, trace, notBeforeMs);
  return { spans, tick: (ms) => void (nowMs += ms) };
}

describe("the spans of a call", () => {
  test("hang on the parent they were given, and come out in the order they began", () => {
    const { spans } = record();
    const root = spans.start({ name: "root", kind: 2 });
    const child = spans.start({ name: "child", kind: 1 }, root);
    spans.end(child);
    spans.end(root);
    const decoded = decodeSpans(spans.encode({ "session.id": "s" }));
    expect(decoded.map(({ name }) => name)).toEqual(["root", "child"]);
    expect(decoded[1]?.parentSpanId).toBe(root.spanId);
    expect(spans.count()).toBe(2);
    expect(spans.contextOf(child)).toMatchObject({ traceId: trace.traceId, spanId: child.spanId });
  });

  test("a child never begins before its parent, a parent never ends before its children", () => {
    const { spans, tick } = record();
    const root = spans.start({ name: "root", kind: 2 });
    tick(-1000); // a clock that goes back
    const child = spans.start({ name: "child", kind: 1 }, root);
    tick(5000);
    spans.end(child);
    tick(-4000);
    spans.end(root);
    expect(child.startMs).toBeGreaterThanOrEqual(root.startMs);
    expect(root.endMs).toBeGreaterThanOrEqual(child.endMs ?? 0);
    expect(spans.lastEndMs()).toBe(root.endMs ?? 0);
  });

  test("no span begins before the call's anchor", () => {
    const anchorMs = 1_700_000_000_500;
    const { spans } = record(anchorMs);
    expect(spans.start({ name: "chat", kind: 3 }).startMs).toBe(anchorMs);
  });

  test("a span ends once: neither a second end nor a late failure changes it", () => {
    const { spans, tick } = record();
    const span = spans.start({ name: "x", kind: 1 });
    spans.end(span);
    const { endMs } = span;
    tick(100);
    spans.end(span);
    spans.fail(span, "late");
    expect({ endMs: span.endMs, status: span.statusCode }).toEqual({ endMs, status: 0 });
  });

  test("whatever is open can be ended as failed, what has ended stays as it was", () => {
    const { spans } = record();
    const root = spans.start({ name: "root", kind: 2 });
    const done = spans.start({ name: "done", kind: 1 }, root);
    spans.end(done);
    const open = spans.start({ name: "open", kind: 3 }, root);
    spans.endAll("worker_lost", "gone");
    expect([root, done, open].map(({ statusCode }) => statusCode)).toEqual([2, 0, 2]);
    expect(open.attributes["error.type"]).toBe("worker_lost");
    expect([root, open].every(({ endMs }) => endMs !== undefined)).toBe(true);
  });
});
