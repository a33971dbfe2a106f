// Tests the receiver the other tests believe: its readers against OpenTelemetry's own serializers, and its
// answers, good and bad, over real sockets.

import { afterEach, describe, expect, test } from "bun:test";
import { TraceFlags } from "@opentelemetry/api";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { readJsonSpans } from "../../../src/demo/otlp-json-reader.ts";
import { countProtobufSpans, readProtobufSpans } from "../../../src/demo/otlp-protobuf.ts";
import {
  startOtlpReceiver,
  type OtlpReceiver,
  type OtlpReceiverOptions,
} from "../../../src/demo/otlp-receiver.ts";
import type { ReceivedSpan } from "../../../src/demo/received-span.ts";

const running: OtlpReceiver[] = [];
afterEach(() => {
  for (const receiver of running.splice(0)) receiver.stop();
});

function start(options: OtlpReceiverOptions = {}): OtlpReceiver {
  const receiver = startOtlpReceiver(options);
  running.push(receiver);
  return receiver;
}

const resource = { attributes: { "service.name": "test" } };
const scope = { name: "scope", version: "1.2" };

function span(n: number): ReadableSpan {
  const hex = n.toString(16);
  const fields = {
    name: `span ${n} 🗼`,
    kind: 2,
    spanContext: () => ({
      traceId: hex.padStart(32, "a"),
      spanId: hex.padStart(16, "b"),
      traceFlags: TraceFlags.SAMPLED,
      traceState: { serialize: () => "vendor=1" },
    }),
    parentSpanContext: { spanId: hex.padStart(16, "c"), isRemote: true },
    startTime: [1_760_000_000, 123_456_789],
    endTime: [1_760_000_001, 1],
    status: { code: 2, message: "bad" },
    attributes: {
      text: "São Paulo",
      whole: 7,
      negative: -7,
      half: 0.5,
      yes: true,
      list: ["a", "b"],
      large: 2 ** 40,
    },
    events: [],
    links: [{ context: { traceId: "d".repeat(32), spanId: "e".repeat(16), traceFlags: 1 } }],
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    resource,
    instrumentationScope: scope,
  };
  // The serializers read only these fields; building SDK spans would test the SDK.
  return fields as unknown as ReadableSpan;
}

function protobuf(count: number): Uint8Array<ArrayBuffer> {
  const spans = Array.from({ length: count }, (_, at) => span(at + 1));
  return Uint8Array.from(ProtobufTraceSerializer.serializeRequest(spans) ?? []);
}

function expectSpan(received: ReceivedSpan | undefined): void {
  expect(received).toMatchObject({
    traceId: "1".padStart(32, "a"),
    spanId: "1".padStart(16, "b"),
    parentSpanId: "1".padStart(16, "c"),
    traceState: "vendor=1",
    flags: 0x301,
    name: "span 1 🗼",
    kind: 3,
    startNs: 1_760_000_000_123_456_789n,
    endNs: 1_760_000_001_000_000_001n,
    attributes: {
      text: "São Paulo",
      whole: 7,
      negative: -7,
      half: 0.5,
      yes: true,
      list: ["a", "b"],
      large: 2 ** 40,
    },
    status: { code: 2, message: "bad" },
    links: [{ traceId: "d".repeat(32), spanId: "e".repeat(16) }],
    resource: { "service.name": "test" },
    scope,
  });
  expect(received?.attributeTypes).toMatchObject({ whole: "int", half: "double", list: "array" });
  expect(received?.endMs).toBeCloseTo(1_760_000_001_000, 2);
}

function post(
  receiver: OtlpReceiver,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(receiver.url, {
    method: "POST",
    body,
    headers: { "content-type": "application/x-protobuf", ...headers },
  });
}

describe("the readers", () => {
  test("read what OpenTelemetry's protobuf serializer writes", () => {
    const bytes = protobuf(3);
    const spans = readProtobufSpans(bytes);
    expect(spans).toHaveLength(3);
    expect(countProtobufSpans(bytes)).toBe(3);
    expectSpan(spans[0]);
  });

  test("read what OpenTelemetry's JSON serializer writes", () => {
    const bytes = JsonTraceSerializer.serializeRequest([span(1), span(2)]);
    const spans = readJsonSpans(Buffer.from(bytes ?? []).toString());
    expect(spans).toHaveLength(2);
    expectSpan(spans[0]);
  });

  test("read 64-bit integers in JSON given as text", () => {
    const at = "1760000000123456789";
    const json = { resourceSpans: [{ scopeSpans: [{ spans: [{ startTimeUnixNano: at }] }] }] };
    const [read] = readJsonSpans(JSON.stringify(json));
    expect(read?.startNs).toBe(1_760_000_000_123_456_789n);
    expect(read?.endMs).toBeUndefined();
  });

  test("refuse truncated protobuf at nearly every length, and never hang", () => {
    const bytes = protobuf(1);
    let refused = 0;
    for (let length = 1; length < bytes.length; length++) {
      try {
        readProtobufSpans(bytes.subarray(0, length));
      } catch {
        // Counting refusals is the test.
        refused += 1;
      }
    }
    expect(refused).toBe(bytes.length - 1);
  });

  test("refuse an attribute given twice", () => {
    const attribute = { key: "a", value: { intValue: 1 } };
    const json = {
      resourceSpans: [{ scopeSpans: [{ spans: [{ attributes: [attribute, attribute] }] }] }],
    };
    expect(() => readJsonSpans(JSON.stringify(json))).toThrow("twice");
  });
});

describe("the receiver", () => {
  test("takes protobuf and JSON, plain and gzip", async () => {
    const receiver = start();
    const gzip = { "content-encoding": "gzip" };
    const json = JsonTraceSerializer.serializeRequest([span(4)]) ?? new Uint8Array();
    const type = { "content-type": "application/json" };
    expect((await post(receiver, protobuf(1))).status).toBe(200);
    expect((await post(receiver, Bun.gzipSync(protobuf(2)), gzip)).status).toBe(200);
    const jsonReply = await post(receiver, Uint8Array.from(json), type);
    expect(jsonReply.headers.get("content-type")).toBe("application/json");
    expect(await jsonReply.json()).toEqual({});
    await post(receiver, Bun.gzipSync(Uint8Array.from(json)), { ...gzip, ...type });
    expect(receiver.spans()).toHaveLength(5);
    expect(receiver.requests.map((request) => request.encoding)).toEqual(["", "gzip", "", "gzip"]);
    expectSpan(receiver.spans()[0]);
  });

  test("answers 400 to what it cannot read, and keeps none of it", async () => {
    const receiver = start();
    expect((await post(receiver, "nonsense")).status).toBe(400);
    expect((await post(receiver, protobuf(1), { "content-type": "text/plain" })).status).toBe(400);
    expect(receiver.requests).toHaveLength(0);
  });

  test("waits for a number of spans or a condition, and says what came when it is too late", async () => {
    const receiver = start();
    const waiting = receiver.waitForSpans(3, 5000);
    const named = receiver.waitForSpans((spans) => spans.some((s) => s.name.includes("2")), 5000);
    await post(receiver, protobuf(1));
    await post(receiver, protobuf(2));
    expect(await waiting).toHaveLength(3);
    expect(await named).toHaveLength(3);
    expect(receiver.waitForSpans(4, 20)).rejects.toThrow("no 4 spans within 20 ms: 3 accepted");
  });

  test("fails by script: statuses, partial success, a web page, a drop", async () => {
    const receiver = start({ behaviour: 503 });
    expect((await post(receiver, protobuf(1))).status).toBe(503);
    const headers = { "retry-after": "7" };
    receiver.setBehaviour({ kind: "status", status: 429, headers });
    expect((await post(receiver, protobuf(1))).headers.get("retry-after")).toBe("7");
    receiver.setBehaviour({ kind: "html" });
    expect(await (await post(receiver, protobuf(1))).text()).toContain("<html>");
    receiver.setBehaviour({ kind: "reset" });
    expect(post(receiver, protobuf(1))).rejects.toThrow();
    expect(receiver.acceptedCount()).toBe(0);
    receiver.setBehaviour({ kind: "partial", rejectedSpans: 1, message: "too old" });
    const partial = await (await post(receiver, protobuf(3))).bytes();
    expect(Buffer.from(partial).toString("latin1")).toBe("\x0a\x0b\x08\x01\x12\x07too old");
    expect(receiver.acceptedCount()).toBe(2);
    expect(receiver.requests).toHaveLength(5);
  });

  test("fails by function, request by request", async () => {
    const receiver = start({ behaviour: (_, nth) => (nth < 2 ? 500 : 200) });
    const statuses: number[] = [];
    for (let n = 0; n < 3; n++) statuses.push((await post(receiver, protobuf(1))).status);
    expect(statuses).toEqual([500, 500, 200]);
  });

  test("a hang never answers", async () => {
    const receiver = start({ behaviour: { kind: "hang" } });
    const signal = AbortSignal.timeout(50);
    const asked = fetch(receiver.url, {
      method: "POST",
      body: protobuf(1),
      headers: { "content-type": "application/x-protobuf" },
      signal,
    });
    expect(asked).rejects.toThrow();
    await asked.catch(() => undefined);
  });

  test("counts without keeping", async () => {
    const receiver = start({ keep: "count" });
    await post(receiver, protobuf(5));
    expect(receiver.acceptedCount()).toBe(5);
    expect(receiver.requests).toHaveLength(0);
    await receiver.waitForSpans(5, 100);
  });
});
