import { describe, expect, test } from "bun:test";
import { closeOpenSpans } from "../../../../src/tracing/exporter/interrupted-spans.ts";
import { decodeSpans } from "../../../../src/tracing/recorder/span-decoding.ts";
import { encodeSpan } from "../../../support/reference-encoding.ts";
import { testCall } from "../../../support/exporter-harness.ts";

const why = {
  endedAtMs: 2_000_000,
  errorType: "interrupted",
  message: "the process stopped",
  interrupted: true,
};

function bytesOf(spans: string): Uint8Array {
  return Buffer.from(spans, "latin1");
}

function span(id: number, parent: number, startMs: number, endMs: number | undefined) {
  return encodeSpan({
    traceId: "a".repeat(32),
    spanId: String(id).padStart(16, "0"),
    parentSpanId: parent === 0 ? "" : String(parent).padStart(16, "0"),
    traceState: "",
    traceFlags: 1,
    parentIsRemote: false,
    name: `span ${id}`,
    kind: 1,
    startMs,
    endMs,
    attributes: id === 9 ? { "error.type": "provider_cut" } : {},
    statusCode: 0,
    statusMessage: "",
  });
}

describe("closing open spans", () => {
  test("ends them as errors at the last moment known, and leaves the others byte for byte", () => {
    const bytes = bytesOf(span(1, 0, 1000, undefined) + span(2, 1, 1001, 1500));
    const [root, child] = decodeSpans(closeOpenSpans(bytes, why));
    expect(root).toMatchObject({
      endMs: 2_000_000,
      statusCode: 2,
      statusMessage: "the process stopped",
      attributes: { "error.type": "interrupted", "everyspan.interrupted": true },
    });
    expect(child).toEqual(decodeSpans(bytes)[1]);
    const closed = bytesOf(testCall().spans);
    expect(closeOpenSpans(closed, why)).toBe(closed);
  });

  test("never before their own start, nor before anything beneath them", () => {
    const late = { ...why, endedAtMs: 500 };
    const bytes = bytesOf(
      span(1, 0, 1000, undefined) +
        span(2, 1, 1100, undefined) +
        span(3, 2, 1200, undefined) +
        span(4, 3, 1300, 1900.5) +
        span(5, 2, 1400, undefined),
    );
    expect(decodeSpans(closeOpenSpans(bytes, late)).map(({ endMs }) => endMs)).toEqual([
      1900.5, 1900.5, 1900.5, 1900.5, 1400,
    ]);
  });

  test("keeps an error type that the span has, and says interrupted only if it was", () => {
    const bytes = bytesOf(span(9, 0, 1000, undefined));
    const [closed] = decodeSpans(closeOpenSpans(bytes, { ...why, interrupted: false }));
    expect(closed?.attributes).toEqual({ "error.type": "provider_cut" });
  });

  test("survives parents that go in a circle", () => {
    const bytes = bytesOf(span(1, 2, 1000, undefined) + span(2, 1, 1001, undefined));
    expect(decodeSpans(closeOpenSpans(bytes, why)).map(({ endMs }) => endMs)).toEqual([
      2_000_000, 2_000_000,
    ]);
  });
});
