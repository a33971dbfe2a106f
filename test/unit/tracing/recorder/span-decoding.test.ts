import { describe, expect, test } from "bun:test";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import {
  decodeSpan,
  decodeSpans,
  spanRanges,
} from "../../../../src/tracing/recorder/span-decoding.ts";
import { encodeSpan } from "../../../support/reference-encoding.ts";
import { type EncodableSpan } from "../../../../src/tracing/recorder/span-encoding.ts";
import { entriesOf, sampleSpan } from "../../../support/sample-spans.ts";

const span: EncodableSpan = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  parentSpanId: "00f067aa0ba902b7",
  traceState: "vendor=1,other=ü",
  traceFlags: 1,
  parentIsRemote: true,
  name: "chat größe",
  kind: 3,
  startMs: 1_700_000_000_123.456,
  endMs: 1_700_000_001_000,
  attributes: { "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 12, stream: true },
  statusCode: 2,
  statusMessage: "no",
  links: [{ traceId: "1".repeat(32), spanId: "2".repeat(16) }],
};

describe("decoding", () => {
  test("gives back what was encoded", () => {
    const [decoded] = decodeSpans(encodeSpan(span));
    expect(decoded).toMatchObject({
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId,
      traceState: span.traceState,
      flags: 0x301,
      name: "chat größe",
      kind: 3,
      endMs: 1_700_000_001_000,
      attributes: { "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 12, stream: true },
      statusCode: 2,
      statusMessage: "no",
      links: [{ traceId: "1".repeat(32), spanId: "2".repeat(16) }],
    });
    expect(decoded?.startMs).toBeCloseTo(1_700_000_000_123.456, 3);
  });

  test("knows an open span by its missing end", () => {
    const [decoded] = decodeSpans(encodeSpan({ ...span, endMs: undefined }));
    expect(decoded?.endMs).toBeUndefined();
    expect(decoded?.endUnixNano).toBeUndefined();
  });

  test("reads what OpenTelemetry's own serialiser writes", () => {
    const spans = [sampleSpan(0), sampleSpan(1)];
    const request = ProtobufTraceSerializer.serializeRequest(spans) ?? new Uint8Array();
    const decoded = decodeSpans(entriesOf(request));
    expect(decoded).toHaveLength(2);
    for (const [index, original] of spans.entries()) {
      const found = decoded[index];
      const { traceId, spanId } = original.spanContext();
      expect(found).toMatchObject({
        traceId,
        spanId,
        name: original.name,
        kind: original.kind + 1,
        parentSpanId: original.parentSpanContext?.spanId ?? "",
        startUnixNano: 1_700_000_000_123_456_789n,
        endUnixNano: 1_700_000_001_000_000_005n,
        statusCode: original.status.code,
        statusMessage: original.status.message ?? "",
      });
      expect(found?.attributes).toEqual({ ...original.attributes } as never);
    }
  });

  test("finds the spans, each to be decoded by itself", () => {
    const bytes = Buffer.from(
      encodeSpan(span) + encodeSpan({ ...span, name: "POST", spanId: "1".repeat(16) }),
      "latin1",
    );
    const ranges = spanRanges(bytes);
    expect(ranges.map((range) => decodeSpan(bytes, range).name)).toEqual(["chat größe", "POST"]);
  });

  test("refuses bytes cut anywhere but between two spans", () => {
    const one = encodeSpan(span);
    const two = one + one;
    for (let length = 1; length < two.length; length += 1) {
      if (length === one.length) expect(decodeSpans(two.slice(0, length))).toHaveLength(1);
      else expect(() => decodeSpans(two.slice(0, length))).toThrow(RangeError);
    }
    expect(decodeSpans("")).toEqual([]);
  });
});
