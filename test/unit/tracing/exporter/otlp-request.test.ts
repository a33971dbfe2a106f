import { expect, test } from "bun:test";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ByteWriter, SpanBytes } from "../../../../src/tracing/exporter/byte-writer.ts";
import {
  protobufRequest,
  type RequestBuilder,
} from "../../../../src/tracing/exporter/otlp-request.ts";
import { eachField } from "../../../../src/tracing/recorder/wire-reader.ts";
import { entriesOf, sampleResource, sampleSpan } from "../../../support/sample-spans.ts";

test("the request is byte for byte what OpenTelemetry's serialiser writes", () => {
  const first = sampleSpan(0);
  const { resource, instrumentationScope } = first;
  const spans = [first, sampleSpan(1, { resource, instrumentationScope })];
  const theirs = ProtobufTraceSerializer.serializeRequest(spans) ?? new Uint8Array();
  const entries = entriesOf(theirs);
  const ours = protobufRequest(
    { resource: sampleResource, scopeName: "everyspan", scopeVersion: "1.2.3" },
    asTheyAre,
  );
  expect(hexWithoutZero(bodyOf(ours, [entries]))).toBe(hexWithoutZero(theirs));
});

/** Theirs writes the resource's count of dropped attributes though it is zero: field 2, and two lengths. */
function hexWithoutZero(request: Uint8Array): string {
  let body = new Uint8Array();
  eachField(request, 0, request.length, (_field, _wire, start, end) => {
    body = Uint8Array.from(request.subarray(start, end));
  });
  const parts: string[] = [];
  eachField(body, 0, body.length, (field, _wire, start, end) => {
    const payload = Buffer.from(body.subarray(start, end)).toString("hex");
    parts.push(`${field}:${field === 1 ? payload.replace(/1000$/, "") : payload}`);
  });
  return parts.join("\n");
}

test("calls are concatenated in their order, whether they come as bytes or as they came", () => {
  const request = protobufRequest({ resource: {}, scopeName: "s", scopeVersion: "1" }, asTheyAre);
  const body = bodyOf(request, [Uint8Array.from([0x12, 1, 0]), "\x12\x01\xff"]);
  expect(entriesOf(body)).toEqual(Buffer.from([0x12, 1, 0, 0x12, 1, 0xff]));
});

test("a request holds nothing of the one before, also when that was never finished", () => {
  const request = protobufRequest({ resource: {}, scopeName: "s", scopeVersion: "1" }, asTheyAre);
  const large = new Uint8Array(3_000_000).fill(1);
  const expected = bodyOf(request, ["\x12\x00"]).toHex();
  bodyOf(request, [large, large]);
  request.begin();
  request.add(large);
  expect(bodyOf(request, ["\x12\x00"]).toHex()).toBe(expected);
});

function bodyOf(request: RequestBuilder, calls: readonly SpanBytes[]): Uint8Array {
  request.begin();
  for (const call of calls) request.add(call);
  return Uint8Array.from(request.finish());
}

function asTheyAre(spans: SpanBytes, out: ByteWriter): void {
  out.put(spans);
}
