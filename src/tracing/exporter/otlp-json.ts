// The JSON form of an OTLP trace export, from stored spans. Pure. Names and types follow the OTLP/JSON rules:
// lowerCamelCase, hex ids, enums as numbers, 64-bit integers as decimal strings.

import { decodeSpans, type DecodedSpan } from "../recorder/span-decoding.ts";
import type { TypedAttribute, TypedValue } from "../recorder/span-decoding.ts";
import { createByteWriter } from "./byte-writer.ts";
import type { CallTranslation } from "./dialects/dialect.ts";
import type { OtlpEnvelope, RequestBuilder } from "./otlp-request.ts";

/** The body is UTF-8. */
export function jsonRequest(envelope: OtlpEnvelope, translate: CallTranslation): RequestBuilder {
  const attributes = Object.entries(envelope.resource).map(([key, value]) => ({
    key,
    value: { stringValue: value },
  }));
  const scope = { name: envelope.scopeName, version: envelope.scopeVersion };
  const translated = createByteWriter();
  let spans: object[] = [];
  return {
    begin() {
      spans = [];
    },
    add(call) {
      translated.clear();
      translate(call, translated);
      for (const span of decodeSpans(translated.bytes())) spans.push(jsonSpan(span));
    },
    finish() {
      const request = {
        resourceSpans: [{ resource: { attributes }, scopeSpans: [{ scope, spans }] }],
      };
      spans = [];
      return Buffer.from(JSON.stringify(request), "utf8");
    },
  };
}

function jsonSpan(span: DecodedSpan): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.traceState !== "" && { traceState: span.traceState }),
    ...(span.parentSpanId !== "" && { parentSpanId: span.parentSpanId }),
    flags: span.flags,
    name: span.name,
    kind: span.kind,
    startTimeUnixNano: span.startUnixNano.toString(),
    endTimeUnixNano: (span.endUnixNano ?? 0n).toString(),
    attributes: span.typedAttributes.map(jsonAttribute),
    ...(span.links.length > 0 && { links: span.links.map((link) => ({ ...link })) }),
    status: {
      ...(span.statusMessage !== "" && { message: span.statusMessage }),
      ...(span.statusCode !== 0 && { code: span.statusCode }),
    },
  };
}

function jsonAttribute({ key, value }: TypedAttribute): object {
  return { key, value: jsonValue(value) };
}

function jsonValue(value: TypedValue): object {
  switch (value.type) {
    case "string":
      return { stringValue: value.value };
    case "bool":
      return { boolValue: value.value };
    case "int":
      return { intValue: value.value.toString() };
    case "double":
      return { doubleValue: jsonDouble(value.value) };
    case "bytes":
      return { bytesValue: Buffer.from(value.value).toString("base64") };
    case "array":
      return { arrayValue: { values: value.value.map(jsonValue) } };
    case "kvlist":
      return { kvlistValue: { values: value.value.map(jsonAttribute) } };
    case "empty":
      return {};
  }
}

/** proto3 JSON writes what JSON has no number for as a string. */
function jsonDouble(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
