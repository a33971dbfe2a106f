// Reads of a stored span what dialects derive from, and no more: this runs once per span and destination, so
// it walks the bytes instead of decoding them. Pure. Throws RangeError on bytes that are not protobuf.

import { attr } from "../../recorder/semconv.ts";
import type { SpanRange } from "../../recorder/span-decoding.ts";
import { SpanKind } from "../../recorder/span-encoding.ts";
import {
  eachField,
  fieldCursor,
  readField,
  readVarint,
  wireLen,
} from "../../recorder/wire-reader.ts";
import type { FieldCursor } from "../../recorder/wire-reader.ts";

export type SpanRole = "root" | "chat" | "guardrail" | "attempt" | "step";

export interface CallSpan {
  readonly role: SpanRole;
  /** The root's; of the others the role says enough. */
  readonly name: string;
  /** Milliseconds since the epoch; 0 on spans that are neither chat nor guardrail. */
  readonly startMs: number;
  readonly values: SpanValues;
  /** The Span message, without tag and length. */
  readonly start: number;
  readonly end: number;
}

export interface ChatSpan extends CallSpan {
  readonly role: "chat";
}

/** Attributes among {@link readKeys}; absent on spans that are neither chat nor guardrail. */
export type SpanValues = Readonly<Record<string, string | number | undefined>>;

const readKeys = [
  attr.responseModel,
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

/** Reads all spans of a call from the first `length` bytes. */
export function readCallSpans(bytes: Buffer, length: number): CallSpan[] {
  const spans: CallSpan[] = [];
  const cursor = fieldCursor();
  for (let at = 0; at < length; at = cursor.end) {
    readField(bytes, at, length, cursor);
    const { field, wire, start, end } = cursor;
    if (field !== 2 || wire !== wireLen) throw new RangeError(`field ${field} among spans`);
    spans.push(readCallSpan(bytes, start, end, cursor));
    cursor.end = end;
  }
  return spans;
}

function readCallSpan(
  bytes: Buffer,
  spanStart: number,
  spanEnd: number,
  cursor: FieldCursor,
): CallSpan {
  let nameStart = 0;
  let nameEnd = 0;
  let hasParent = false;
  let startMs = 0;
  let role: SpanRole = "step";
  const values: Record<string, string | number | undefined> = {};
  for (let at = spanStart; at < spanEnd; at = cursor.end) {
    readField(bytes, at, spanEnd, cursor);
    const { field, start } = cursor;
    if (field === 4) hasParent = true;
    else if (field === 5) {
      nameStart = start;
      nameEnd = cursor.end;
    } else if (field === 6) {
      role = roleOf(bytes, { nameStart, nameEnd, kind: readVarint(bytes, start), hasParent });
      // Fields come in the order of their numbers in what we write, so this is all that the others need.
      if (role !== "chat" && role !== "guardrail") break;
    } else if (field === 7) startMs = readTimeMs(bytes, start);
    else if (field === 9 && cursor.wire === wireLen) {
      readAttribute(bytes, start, cursor.end, values);
    }
  }
  const name = role === "root" ? bytes.toString("utf8", nameStart, nameEnd) : "";
  return { role, name, startMs, values, start: spanStart, end: spanEnd };
}

/** The role alone. */
export function spanRole(bytes: Buffer, range: SpanRange): SpanRole {
  let [nameStart, nameEnd] = [0, 0];
  let hasParent = false;
  let role: SpanRole = "step";
  eachField(bytes, range.start, range.end, (field, _wire, start, end) => {
    if (field === 4) hasParent = true;
    if (field === 5) [nameStart, nameEnd] = [start, end];
    if (field !== 6) return true;
    role = roleOf(bytes, { nameStart, nameEnd, kind: readVarint(bytes, start), hasParent });
    return false;
  });
  return role;
}

/** Fixed64 nanoseconds as milliseconds, without BigInt. */
function readTimeMs(bytes: Buffer, start: number): number {
  const [low, high] = [bytes.readUInt32LE(start), bytes.readUInt32LE(start + 4)];
  return (high * 4294967296 + low) / 1e6;
}

interface RoleSigns {
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly kind: number;
  readonly hasParent: boolean;
}

function roleOf(bytes: Buffer, { nameStart, nameEnd, kind, hasParent }: RoleSigns): SpanRole {
  if (kind === SpanKind.server || !hasParent) return "root";
  const length = nameEnd - nameStart;
  if (length >= 4 && startsWith(bytes, nameStart, chatName)) {
    if (length === 4 || bytes[nameStart + 4] === 0x20) return "chat";
  }
  if (length >= guardrailName.length && startsWith(bytes, nameStart, guardrailName)) {
    return "guardrail";
  }
  return kind === SpanKind.client ? "attempt" : "step";
}

const chatName: Uint8Array = Buffer.from("chat", "latin1");
const guardrailName: Uint8Array = Buffer.from("apply_guardrail", "latin1");

function startsWith(bytes: Buffer, start: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index += 1) {
    if (bytes[start + index] !== name[index]) return false;
  }
  return true;
}

/**
 * KeyValue as everyspan writes it: key (field 1), then value (field 2) of one typed field. Every name read
 * here is shorter than 128 bytes, so that its length is one byte; what is laid out otherwise is not read.
 */
function readAttribute(
  bytes: Buffer,
  start: number,
  end: number,
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
