import { describe, expect, test } from "bun:test";
import { attributeField } from "../../../../src/tracing/exporter/protobuf-writer.ts";
import { appendToSpans } from "../../../../src/tracing/exporter/span-splice.ts";
import { decodeSpans, spanRanges } from "../../../../src/tracing/recorder/span-decoding.ts";
import { testCall } from "../../../support/exporter-harness.ts";

function bytesOf(spans: string): Uint8Array {
  return Buffer.from(spans, "latin1");
}

describe("appending to spans", () => {
  test("adds attributes to the spans they are meant for, over every change of length", () => {
    for (let padding = 0; padding < 400; padding += 7) {
      const bytes = bytesOf(testCall({ spans: 3, padding }).spans);
      const extra = attributeField(9, "extra", "y".repeat(padding));
      const spliced = appendToSpans(bytes, spanRanges(bytes), [extra, undefined, extra]);
      const [before, after] = [decodeSpans(bytes), decodeSpans(spliced)];
      expect(after.map(({ attributes }) => attributes["extra"])).toEqual([
        "y".repeat(padding),
        undefined,
        "y".repeat(padding),
      ] as never);
      expect(after[1]).toEqual(before[1]);
      expect(after[0]?.spanId).toBe(before[0]?.spanId as string);
    }
  });

  test("gives the same array back when there is nothing to add", () => {
    const bytes = bytesOf(testCall().spans);
    expect(appendToSpans(bytes, spanRanges(bytes), [undefined, undefined])).toBe(bytes);
    expect(appendToSpans(bytes, spanRanges(bytes), [])).toBe(bytes);
  });
});
