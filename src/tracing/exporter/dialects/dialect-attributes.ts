// Appends a dialect's attributes to the spans of a call. Runs for every call and destination. Pure but for
// buffers that are used again.

import { encodeAttribute } from "../../recorder/span-encoding.ts";
import { createByteWriter, utf8Length, type ByteWriter } from "../byte-writer.ts";
import { textField, varintLength } from "../protobuf-writer.ts";
import { asBuffer } from "../span-rewrite.ts";
import { readCallSpans, type ChatSpan, type SpanRole } from "./call-span.ts";
import type { AttributeTable, CallTranslation, Derive, Dialect } from "./dialect.ts";

/** The tag of a span among stored ones (ScopeSpans.spans). */
const spanTag = 0x12;
/** Span.attributes, KeyValue.value, AnyValue.string_value. */
const [attributeTag, valueTag, textTag] = [0x4a, 0x12, 0x0a];

export function appendAttributes(dialect: Dialect): CallTranslation {
  const tables: Readonly<Record<SpanRole, PreparedTable>> = {
    root: prepare(dialect.root),
    chat: prepare(dialect.chat),
    guardrail: prepare(dialect.guardrail),
    attempt: prepare(dialect.attempt),
    step: prepare(dialect.step),
  };
  const raw = createByteWriter();
  const extra = createByteWriter();
  return (spans, out) => {
    let bytes: Buffer;
    if (typeof spans === "string") {
      raw.clear();
      raw.put(spans);
      bytes = raw.bytes();
    } else {
      bytes = asBuffer(spans);
    }
    const found = readCallSpans(bytes, bytes.length);
    const chat = found.find((span): span is ChatSpan => span.role === "chat");
    for (const span of found) {
      const { fixed, derived } = tables[span.role];
      extra.clear();
      for (const attribute of derived) {
        const value = attribute.derive(span, chat);
        if (value !== undefined) writeAttribute(extra, attribute, value);
      }
      out.byte(spanTag);
      out.varint(span.end - span.start + fixed.length + extra.size());
      out.copy(bytes, span.start, span.end);
      out.put(fixed);
      if (extra.size() > 0) out.put(extra.bytes());
    }
  };
}

/** What is the same on every span is encoded once, at start. */
interface PreparedTable {
  readonly fixed: string;
  readonly derived: readonly DerivedAttribute[];
}

interface DerivedAttribute {
  readonly key: string;
  /** KeyValue.key, encoded. */
  readonly keyField: Uint8Array;
  readonly derive: Derive;
}

function prepare(table: AttributeTable): PreparedTable {
  let fixed = "";
  const derived: DerivedAttribute[] = [];
  for (const [key, value] of Object.entries(table)) {
    if (typeof value === "string") fixed += encodeAttribute(key, value);
    else derived.push({ key, keyField: textField(1, key), derive: value });
  }
  return { fixed, derived };
}

/** As `encodeAttribute` does, but for texts in place. */
function writeAttribute(
  out: ByteWriter,
  { key, keyField }: DerivedAttribute,
  value: string | number,
): void {
  if (typeof value === "number") {
    out.put(encodeAttribute(key, value));
    return;
  }
  const textBytes = utf8Length(value);
  const valueBytes = 1 + varintLength(textBytes) + textBytes;
  out.byte(attributeTag);
  out.varint(keyField.length + 1 + varintLength(valueBytes) + valueBytes);
  out.put(keyField);
  out.byte(valueTag);
  out.varint(valueBytes);
  out.byte(textTag);
  out.varint(textBytes);
  out.utf8(value, textBytes);
}
