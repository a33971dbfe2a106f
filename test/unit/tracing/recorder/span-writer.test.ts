import { describe, expect, test } from "bun:test";

import { encodeSpan } from "../../../support/reference-encoding.ts";
import type { Attributes, EncodableSpan } from "../../../../src/tracing/recorder/span-encoding.ts";
import { createSpanWriter } from "../../../../src/tracing/recorder/span-writer.ts";

const span: EncodableSpan = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  parentSpanId: "00f067aa0ba902b7",
  traceState: "",
  traceFlags: 3,
  parentIsRemote: false,
  name: "chat gpt-4o",
  kind: 3,
  startMs: 1_790_000_000_123.456,
  endMs: 1_790_000_000_125.789,
  attributes: {},
  statusCode: 0,
  statusMessage: "",
};

/** Texts around every length at which a length takes another byte, in one, two, three and four byte letters. */
const texts = ["a", "é", "語", "😀"].flatMap((letter) =>
  [0, 1, 41, 42, 43, 63, 64, 126, 127, 128, 129, 5000, 16_383, 16_384, 70_000].map((count) =>
    letter.repeat(count),
  ),
);

function expectSame(spans: readonly EncodableSpan[], common?: Attributes): void {
  const reference = spans.map((each) => encodeSpan(each, common)).join("");
  expect(createSpanWriter().encode(spans, common) === reference).toBe(true);
}

describe("a span writer gives the bytes of encodeSpan", () => {
  test("for texts of every size in names, values, keys and messages", () => {
    for (const text of texts) {
      expectSame([{ ...span, name: text, statusCode: 2, statusMessage: text, traceState: text }]);
      expectSame([{ ...span, attributes: { key: text, [`k${text}`]: 1, list: [text, "", text] } }]);
    }
  });

  test("for numbers of every kind", () => {
    const numbers = [0, 1, 127, 128, 2 ** 31, 2 ** 53 - 1, -1, -(2 ** 40), 0.5, -0.1, 1e300];
    for (const number of numbers) {
      expectSame([{ ...span, attributes: { number, "gen_ai.request.temperature": number } }]);
    }
  });

  test("for what may be absent, and for common attributes that the span's own override", () => {
    expectSame([{ ...span, parentSpanId: "", endMs: undefined, traceState: "a=b", kind: 2 }]);
    expectSame([{ ...span, parentIsRemote: true, attributes: { yes: true, no: false } }]);
    expectSame([{ ...span, links: [{ traceId: span.traceId, spanId: span.spanId }] }]);
    const common = { "session.id": "one", "user.id": undefined, own: "not this" };
    expectSame([{ ...span, attributes: { own: "this", none: undefined } }, span], common);
  });
});

test("a writer starts each call afresh, whatever the one before it was", () => {
  const writer = createSpanWriter();
  const huge = { ...span, name: "x".repeat(3_000_000) };
  expect(writer.encode([huge]) === encodeSpan(huge)).toBe(true);
  expect(writer.encode([span])).toBe(encodeSpan(span));
  expect(writer.encode([])).toBe("");
});
