// Reads of a stored span what dialects derive from, and no more: this runs once per span and destination, so
// it walks the bytes instead of decoding them. Pure. Throws RangeError on bytes that are not protobuf.

import { attr } from "../../recorder/semconv.ts";
import type { SpanRange } from "../../recorder/span-decoding.ts";
import { SpanKind } from "../../recorder/span-encoding.ts";
import { eachField, readVarint, wireLen } from "../../recorder/wire-reader.ts";

export type SpanRole = "root" | "chat" | "guardrail" | "attempt" | "step";

export interface CallSpan {
  readonly role: SpanRole;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly values: SpanValues;
}

export interface ChatSpan extends CallSpan {
  readonly role: "chat";
}

/** Attributes among {@link readKeys}; absent on spans that are neither chat nor guardrail. */
export type SpanValues = Readonly<Record<string, string | number | undefined>>;

const readKeys = [
  attr.responseModel,
  attr.requestModel,
  attr.responseTimeToFirstChunk,
  attr.usageInputTokens,
  attr.usageOutputTokens,
  attr.usageCacheReadTokens,
  attr.usageCacheWriteTokens,
  attr.usageReasoningTokens,
  attr.usageCost,
  attr.costInput,
  attr.costOutput,
  attr.inputMessages,
  attr.outputMessages,
  attr.systemInstructions,
  attr.guardrailVerdict,
  attr.guardrailInput,
  attr.guardrailOutput,
] as const;

export function readCallSpan(bytes: Buffer, range: SpanRange): CallSpan {
  let name = "";
  let hasParent = false;
  let startMs = 0;
  let role: SpanRole = "step";
  const values: Record<string, string | number | undefined> = {};
  eachField(bytes, range.start, range.end, (field, wire, start, end) => {
    if (field === 4) hasParent = true;
    else if (field === 5) name = bytes.toString("utf8", start, end);
    else if (field === 6) role = roleOf(name, readVarint(bytes, start), hasParent);
    else if (field === 7) startMs = readTimeMs(bytes, start);
    else if (field === 9 && wire === wireLen) {
      // Fields come in the order of their numbers in what we write, so the role is known by now.
      if (role !== "chat" && role !== "guardrail") return false;
      readAttribute(bytes, { start, end }, values);
    }
    return true;
  });
  return { role, name, startMs, values };
}

/** The role alone. */
export function spanRole(bytes: Buffer, range: SpanRange): SpanRole {
  let name = "";
  let hasParent = false;
  let role: SpanRole = "step";
  eachField(bytes, range.start, range.end, (field, _wire, start, end) => {
    if (field === 4) hasParent = true;
    if (field === 5) name = bytes.toString("utf8", start, end);
    if (field !== 6) return true;
    role = roleOf(name, readVarint(bytes, start), hasParent);
    return false;
  });
  return role;
}

/** Fixed64 nanoseconds as milliseconds, without BigInt. */
function readTimeMs(bytes: Buffer, start: number): number {
  const [low, high] = [bytes.readUInt32LE(start), bytes.readUInt32LE(start + 4)];
  return (high * 4294967296 + low) / 1e6;
}

function roleOf(name: string, kind: number, hasParent: boolean): SpanRole {
  if (kind === SpanKind.server || !hasParent) return "root";
  if (name === "chat" || name.startsWith("chat ")) return "chat";
  if (name.startsWith("apply_guardrail")) return "guardrail";
  return kind === SpanKind.client ? "attempt" : "step";
}

/**
 * KeyValue as everyspan writes it: key (field 1), then value (field 2) of one typed field. Every name read
 * here is shorter than 128 bytes, so that its length is one byte; what is laid out otherwise is not read.
 */
function readAttribute(
  bytes: Buffer,
  { start, end }: SpanRange,
  values: Record<string, string | number | undefined>,
): void {
  const keyLength = bytes[start + 1] ?? 0;
  const keyEnd = start + 2 + keyLength;
  const key = keyAt(bytes, start + 2, keyLength);
  if (key === undefined || bytes[keyEnd] !== valueTag) return;
  const valueStart = varintEnd(bytes, keyEnd + 1);
  const type = bytes[valueStart];
  if (type === textTag) values[key] = bytes.toString("utf8", varintEnd(bytes, valueStart + 1), end);
  else if (type === intTag) values[key] = readVarint(bytes, valueStart + 1);
  else if (type === doubleTag) values[key] = bytes.readDoubleLE(valueStart + 1);
}

/** KeyValue.value, and AnyValue's string, int and double. */
const [valueTag, textTag, intTag, doubleTag] = [0x12, 0x0a, 0x18, 0x21];

function varintEnd(bytes: Buffer, start: number): number {
  let at = start;
  while ((bytes[at] ?? 0) >= 0x80) at += 1;
  return at + 1;
}

interface KnownKey {
  readonly key: string;
  readonly bytes: Uint8Array;
}

/** By length, which nearly tells them apart. */
const keysByLength: ReadonlyMap<number, readonly KnownKey[]> = Map.groupBy(
  readKeys.map((key) => ({ key, bytes: Buffer.from(key, "latin1") })),
  ({ bytes }) => bytes.length,
);

function keyAt(bytes: Buffer, start: number, length: number): string | undefined {
  for (const known of keysByLength.get(length) ?? []) {
    // From the end, for most names begin alike.
    let at = length - 1;
    while (at >= 0 && bytes[start + at] === known.bytes[at]) at -= 1;
    if (at < 0) return known.key;
  }
  return undefined;
}
