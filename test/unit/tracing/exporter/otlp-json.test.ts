import { expect, test } from "bun:test";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { SpanBytes } from "../../../../src/tracing/exporter/byte-writer.ts";
import { jsonRequest } from "../../../../src/tracing/exporter/otlp-json.ts";
import { encodeSpan } from "../../../support/reference-encoding.ts";
import { entriesOf, sampleResource, sampleSpan } from "../../../support/sample-spans.ts";

interface JsonRequest {
  resourceSpans: { scopeSpans: { scope: object; spans: Record<string, unknown>[] }[] }[];
}

const envelope = { resource: sampleResource, scopeName: "everyspan", scopeVersion: "1.2.3" };

function parse(bytes: Uint8Array): JsonRequest {
  return JSON.parse(new TextDecoder().decode(bytes)) as JsonRequest;
}

function bodyOf(spans: SpanBytes): Uint8Array {
  const request = jsonRequest(envelope, (call, out) => out.put(call));
  request.begin();
  request.add(spans);
  return request.finish();
}

/** Theirs writes zero counts and numbers as numbers; ours leaves zeros out and writes 64 bits as strings. */
function comparable(request: JsonRequest): unknown {
  const text = JSON.stringify(request)
    .replaceAll(/"intValue":(-?\d+)/g, '"intValue":"$1"')
    .replaceAll(/,?"dropped\w+Count":0/g, "")
    .replaceAll(/,"(?:events|links)":\[\]/g, "")
    .replaceAll('"status":{"code":0}', '"status":{}')
    .replaceAll("{,", "{");
  return sorted(JSON.parse(text));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => a.localeCompare(b));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

test("the JSON says what OpenTelemetry's serialiser says", () => {
  const first = sampleSpan(0);
  const { resource, instrumentationScope } = first;
  const spans = [first, sampleSpan(1, { resource, instrumentationScope })];
  const entries = entriesOf(ProtobufTraceSerializer.serializeRequest(spans) ?? new Uint8Array());
  const theirs = JsonTraceSerializer.serializeRequest(spans) ?? new Uint8Array();
  expect(comparable(parse(bodyOf(entries)))).toEqual(comparable(parse(theirs)));
});

test("64-bit integers keep their digits and types tell doubles from integers", () => {
  const entry = encodeSpan({
    traceId: "a".repeat(32),
    spanId: "b".repeat(16),
    parentSpanId: "",
    traceState: "",
    traceFlags: 1,
    parentIsRemote: false,
    name: "n",
    kind: 1,
    startMs: 1_700_000_000_000.5,
    endMs: 1_700_000_000_001,
    attributes: { whole: 2 ** 53 - 1, "gen_ai.request.temperature": 1 },
    statusCode: 0,
    statusMessage: "",
  });
  const request = parse(bodyOf(entry));
  expect(request.resourceSpans[0]?.scopeSpans[0]?.spans[0]).toMatchObject({
    startTimeUnixNano: "1700000000000500000",
    attributes: [
      { key: "whole", value: { intValue: "9007199254740991" } },
      { key: "gen_ai.request.temperature", value: { doubleValue: 1 } },
    ],
  });
});
