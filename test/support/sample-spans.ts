// Tests: one span in all the shapes the encodings must carry, as the OpenTelemetry SDK hands it to its
// serialisers, to compare ours with theirs.

import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";

export const sampleResource: Readonly<Record<string, string>> = {
  "service.name": "everyspan",
  "host.name": "h1",
};

/** A readable span of one trace; the n-th is the child of the one before. */
export function sampleSpan(n: number, changes: Partial<ReadableSpan> = {}): ReadableSpan {
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const id = (index: number): string => (0xb000 + index).toString(16).padStart(16, "0");
  return {
    name: `span ${n} é 🎉`,
    kind: n === 0 ? 1 : 0,
    spanContext: () => ({ traceId, spanId: id(n), traceFlags: 1 }),
    ...(n > 0 && { parentSpanContext: { traceId, spanId: id(n - 1), traceFlags: 1 } }),
    startTime: [1_700_000_000, 123_456_789],
    endTime: [1_700_000_001, 5],
    status: n % 2 === 0 ? { code: 0 } : { code: 2, message: "broke: ünicode" },
    attributes: {
      text: "plain",
      empty: "",
      unicode: "日本語 🎉",
      whole: 42,
      zero: 0,
      large: 2 ** 53 - 1,
      negative: -7,
      fraction: 0.25,
      yes: true,
      no: false,
      list: ["a", "b", "ü"],
      long: "x".repeat(300),
    },
    links: [],
    events: [],
    duration: [0, 0],
    ended: true,
    resource: {
      attributes: { ...sampleResource },
      merge: (other) => other ?? raise(),
      getRawAttributes: () => Object.entries(sampleResource),
    },
    instrumentationScope: { name: "everyspan", version: "1.2.3" },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...changes,
  };
}

/** The `ScopeSpans.spans` entries of an ExportTraceServiceRequest that holds one scope. */
export function entriesOf(request: Uint8Array): Uint8Array {
  const entries: Uint8Array[] = [];
  const walk = (bytes: Uint8Array, depth: number): void => {
    for (let at = 0; at < bytes.length;) {
      const tag = bytes[at] ?? 0;
      let length = 0;
      let head = 1;
      for (let shift = 1; ; shift *= 128, head += 1) {
        const byte = bytes[at + head] ?? 0;
        length += (byte & 127) * shift;
        if (byte < 128) break;
      }
      const start = at + head + 1;
      const payload = bytes.subarray(start, start + length);
      if (depth < 2 && tag === (depth === 0 ? 0x0a : 0x12)) walk(payload, depth + 1);
      else if (depth === 2 && tag === 0x12) entries.push(bytes.subarray(at, start + length));
      at = start + length;
    }
  };
  walk(request, 0);
  return Buffer.concat(entries);
}

function raise(): never {
  throw new Error("not used");
}
