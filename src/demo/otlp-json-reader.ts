// Demo and tests: reads an OTLP ExportTraceServiceRequest in JSON (OTLP/HTTP's mapping: hex ids, 64-bit
// integers as decimal strings or numbers). Pure, and independent of our encoder.

import {
  toExactNumber,
  toReceivedSpan,
  type ReceivedAttributes,
  type ReceivedSpan,
  type TypedValue,
} from "./received-span.ts";

type Json = Readonly<Record<string, unknown>>;

/** All spans of a request. Throws on text that is no such request. */
export function readJsonSpans(request: string): ReceivedSpan[] {
  const parsed: unknown = JSON.parse(request);
  return list(object(parsed)["resourceSpans"]).flatMap((resourceSpans) => {
    const resource = attributesOf(object(resourceSpans["resource"])).values;
    return list(resourceSpans["scopeSpans"]).flatMap((scopeSpans) => {
      const scope = object(scopeSpans["scope"]);
      return list(scopeSpans["spans"]).map((span) =>
        readSpan(span, resource, { name: text(scope["name"]), version: text(scope["version"]) }),
      );
    });
  });
}

function readSpan(
  span: Json,
  resource: ReceivedSpan["resource"],
  scope: ReceivedSpan["scope"],
): ReceivedSpan {
  const status = object(span["status"]);
  return toReceivedSpan({
    traceId: text(span["traceId"]),
    spanId: text(span["spanId"]),
    parentSpanId: text(span["parentSpanId"]),
    traceState: text(span["traceState"]),
    flags: Number(span["flags"] ?? 0),
    name: text(span["name"]),
    kind: Number(span["kind"] ?? 0),
    startNs: integer(span["startTimeUnixNano"]),
    endNs: integer(span["endTimeUnixNano"]),
    attributes: attributesOf(span),
    status: { code: Number(status["code"] ?? 0), message: text(status["message"]) },
    links: list(span["links"]).map((link) => ({
      traceId: text(link["traceId"]),
      spanId: text(link["spanId"]),
    })),
    resource,
    scope,
  });
}

function attributesOf(owner: Json): ReceivedAttributes {
  const attributes: ReceivedAttributes = { values: {}, types: {} };
  for (const entry of list(owner["attributes"])) {
    const key = text(entry["key"]);
    if (key in attributes.values) throw new Error(`otlp: attribute ${key} twice`);
    const typed = typedValue(object(entry["value"]));
    attributes.values[key] = typed.value;
    attributes.types[key] = typed.type;
  }
  return attributes;
}

function typedValue(value: Json): TypedValue {
  if ("stringValue" in value) return { type: "string", value: text(value["stringValue"]) };
  if ("boolValue" in value) return { type: "bool", value: value["boolValue"] === true };
  if ("intValue" in value) {
    return { type: "int", value: toExactNumber(integer(value["intValue"])) };
  }
  if ("doubleValue" in value) return { type: "double", value: Number(value["doubleValue"]) };
  if ("arrayValue" in value) {
    const values = list(object(value["arrayValue"])["values"]);
    return { type: "array", value: values.map((item) => typedValue(item).value) };
  }
  if ("kvlistValue" in value) {
    const nested = { attributes: object(value["kvlistValue"])["values"] };
    return { type: "kvlist", value: attributesOf(nested).values };
  }
  if ("bytesValue" in value) {
    return {
      type: "bytes",
      value: new Uint8Array(Buffer.from(text(value["bytesValue"]), "base64")),
    };
  }
  return { type: "none", value: undefined };
}

function object(value: unknown): Json {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new Error("otlp: not an object");
  return value as Json;
}

function list(value: unknown): Json[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error("otlp: not a list");
  return value.map(object);
}

function text(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw new Error("otlp: not a text");
  return value;
}

function integer(value: unknown): bigint {
  if (value === undefined || value === null) return 0n;
  if (typeof value === "string" || typeof value === "number") return BigInt(value);
  throw new Error("otlp: not an integer");
}
