// Demo and tests: reads an OTLP ExportTraceServiceRequest in protobuf. Pure, and independent of our encoder.
// Field numbers: opentelemetry/proto/{collector/trace/v1,trace/v1,common/v1,resource/v1}.

import { protobufFields } from "./protobuf-reader.ts";
import {
  toExactNumber,
  toReceivedSpan,
  type ReceivedAttributes,
  type ReceivedSpan,
  type TypedValue,
} from "./received-span.ts";

/** All spans of a request. Throws on bytes that are no such request. */
export function readProtobufSpans(request: Uint8Array): ReceivedSpan[] {
  const spans: ReceivedSpan[] = [];
  for (const resourceSpans of children(request, 1)) {
    const resource = newAttributes();
    for (const encoded of children(resourceSpans, 1)) readInto(resource, encoded, 1);
    for (const scopeSpans of children(resourceSpans, 2)) {
      const scope = readScope(scopeSpans);
      for (const span of children(scopeSpans, 2)) {
        spans.push(readSpan(span, resource.values, scope));
      }
    }
  }
  return spans;
}

/** The number of spans of a request, without decoding them. */
export function countProtobufSpans(request: Uint8Array): number {
  let count = 0;
  for (const resourceSpans of children(request, 1)) {
    for (const scopeSpans of children(resourceSpans, 2)) {
      for (const _ of children(scopeSpans, 2)) count += 1;
    }
  }
  return count;
}

function* children(message: Uint8Array, number: number): Generator<Uint8Array> {
  for (const field of protobufFields(message)) {
    if (field.number === number && field.wireType === 2) yield field.bytes;
  }
}

function readScope(scopeSpans: Uint8Array): ReceivedSpan["scope"] {
  let name = "";
  let version = "";
  for (const scope of children(scopeSpans, 1)) {
    for (const field of protobufFields(scope)) {
      if (field.number === 1) name = text(field.bytes);
      if (field.number === 2) version = text(field.bytes);
    }
  }
  return { name, version };
}

function readSpan(
  encoded: Uint8Array,
  resource: ReceivedSpan["resource"],
  scope: ReceivedSpan["scope"],
): ReceivedSpan {
  const span = {
    traceId: "",
    spanId: "",
    parentSpanId: "",
    traceState: "",
    flags: 0,
    name: "",
    kind: 0,
    startNs: 0n,
    endNs: 0n,
    status: { code: 0, message: "" },
    attributes: newAttributes(),
    links: new Array<{ traceId: string; spanId: string }>(),
    resource,
    scope,
  };
  for (const field of protobufFields(encoded)) {
    switch (field.number) {
      case 1:
        span.traceId = hex(field.bytes);
        break;
      case 2:
        span.spanId = hex(field.bytes);
        break;
      case 3:
        span.traceState = text(field.bytes);
        break;
      case 4:
        span.parentSpanId = hex(field.bytes);
        break;
      case 5:
        span.name = text(field.bytes);
        break;
      case 6:
        span.kind = Number(field.value);
        break;
      case 7:
        span.startNs = field.value;
        break;
      case 8:
        span.endNs = field.value;
        break;
      case 9:
        readKeyValue(span.attributes, field.bytes);
        break;
      case 13:
        span.links.push(readLink(field.bytes));
        break;
      case 15:
        span.status = readStatus(field.bytes);
        break;
      case 16:
        span.flags = Number(field.value);
        break;
      default:
        // Events and drop counts: everyspan records none.
        break;
    }
  }
  return toReceivedSpan(span);
}

function readLink(encoded: Uint8Array): { traceId: string; spanId: string } {
  const link = { traceId: "", spanId: "" };
  for (const field of protobufFields(encoded)) {
    if (field.number === 1) link.traceId = hex(field.bytes);
    if (field.number === 2) link.spanId = hex(field.bytes);
  }
  return link;
}

function readStatus(encoded: Uint8Array): { code: number; message: string } {
  const status = { code: 0, message: "" };
  for (const field of protobufFields(encoded)) {
    if (field.number === 2) status.message = text(field.bytes);
    if (field.number === 3) status.code = Number(field.value);
  }
  return status;
}

function newAttributes(): ReceivedAttributes {
  return { values: {}, types: {} };
}

function readInto(attributes: ReceivedAttributes, message: Uint8Array, number: number): void {
  for (const keyValue of children(message, number)) readKeyValue(attributes, keyValue);
}

function readKeyValue(attributes: ReceivedAttributes, encoded: Uint8Array): void {
  let key = "";
  let typed: TypedValue = { type: "none", value: undefined };
  for (const field of protobufFields(encoded)) {
    if (field.number === 1) key = text(field.bytes);
    if (field.number === 2) typed = readAnyValue(field.bytes);
  }
  if (key in attributes.values) throw new Error(`otlp: attribute ${key} twice`);
  attributes.values[key] = typed.value;
  attributes.types[key] = typed.type;
}

function readAnyValue(encoded: Uint8Array): TypedValue {
  for (const field of protobufFields(encoded)) {
    switch (field.number) {
      case 1:
        return { type: "string", value: text(field.bytes) };
      case 2:
        return { type: "bool", value: field.value !== 0n };
      case 3:
        return { type: "int", value: toExactNumber(BigInt.asIntN(64, field.value)) };
      case 4:
        return { type: "double", value: double(field.value) };
      case 5:
        return { type: "array", value: [...children(field.bytes, 1)].map(valueOf) };
      case 6: {
        const nested = newAttributes();
        readInto(nested, field.bytes, 1);
        return { type: "kvlist", value: nested.values };
      }
      case 7:
        return { type: "bytes", value: field.bytes };
      default:
        break;
    }
  }
  return { type: "none", value: undefined };
}

function valueOf(encoded: Uint8Array): unknown {
  return readAnyValue(encoded).value;
}

function double(bits: bigint): number {
  return new Float64Array(new BigUint64Array([bits]).buffer)[0] ?? Number.NaN;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
