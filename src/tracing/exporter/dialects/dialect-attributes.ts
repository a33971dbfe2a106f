// Appends a dialect's attributes to the spans of a call. Runs for every call and destination. Pure.

import { spanRanges } from "../../recorder/span-decoding.ts";
import { encodeAttribute } from "../../recorder/span-encoding.ts";
import { varintLength, writeVarint } from "../protobuf-writer.ts";
import { asBuffer } from "../span-rewrite.ts";
import { readCallSpan, type CallSpan, type ChatSpan, type SpanRole } from "./call-span.ts";
import type { AttributeTable, CallTranslation, Derive, Dialect } from "./dialect.ts";

/** The tag of a span among stored ones (ScopeSpans.spans). */
const spanTag = 0x12;

export function appendAttributes(dialect: Dialect): CallTranslation {
  const tables: Readonly<Record<SpanRole, PreparedTable>> = {
    root: prepare(dialect.root),
    chat: prepare(dialect.chat),
    guardrail: prepare(dialect.guardrail),
    attempt: prepare(dialect.attempt),
    step: prepare(dialect.step),
  };
  return (entries) => {
    const bytes = asBuffer(entries);
    const ranges = spanRanges(entries);
    const spans = ranges.map((range) => readCallSpan(bytes, range));
    const chat = spans.find((span): span is ChatSpan => span.role === "chat");
    const extras = spans.map((span) => encodeTable(tables[span.role], span, chat));
    let size = 0;
    ranges.forEach(({ start, end }, index) => {
      const length = end - start + (extras[index] ?? "").length;
      size += 1 + varintLength(length) + length;
    });
    const translated = Buffer.allocUnsafe(size);
    let at = 0;
    ranges.forEach(({ start, end }, index) => {
      const extra = extras[index] ?? "";
      translated[at] = spanTag;
      at = writeVarint(translated, at + 1, end - start + extra.length);
      at += bytes.copy(translated, at, start, end);
      at += translated.write(extra, at, "latin1");
    });
    return translated;
  };
}

/** What is the same on every span is encoded once, at start. */
interface PreparedTable {
  readonly fixed: string;
  readonly derived: readonly (readonly [key: string, derive: Derive])[];
}

function prepare(table: AttributeTable): PreparedTable {
  let fixed = "";
  const derived: [string, Derive][] = [];
  for (const [key, value] of Object.entries(table)) {
    if (typeof value === "string") fixed += encodeAttribute(key, value);
    else derived.push([key, value]);
  }
  return { fixed, derived };
}

/** A binary string of Span fields. */
function encodeTable(
  { fixed, derived }: PreparedTable,
  span: CallSpan,
  chat: ChatSpan | undefined,
): string {
  let encoded = fixed;
  for (const [key, derive] of derived) {
    const value = derive(span, chat);
    if (value !== undefined) encoded += encodeAttribute(key, value);
  }
  return encoded;
}
