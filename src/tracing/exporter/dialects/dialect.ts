// The seam of dialects: the attributes a backend needs beyond the conventions to read our spans right, as one
// table per backend. Pure and deterministic: stored calls are dialect-free, and a resend must be the same bytes.

import type { ByteWriter, SpanBytes } from "../byte-writer.ts";
import type { CallSpan, ChatSpan } from "./call-span.ts";

/** Derives a value from a span of the call and its chat span, which may be the same; undefined adds nothing. */
export type Derive = (span: CallSpan, chat: ChatSpan | undefined) => string | number | undefined;

/** Attribute names and their values, the same on every span or derived from it. */
export type AttributeTable = Readonly<Record<string, string | Derive>>;

export interface Dialect {
  /** The SERVER span, or whatever has no parent. */
  readonly root: AttributeTable;
  readonly chat: AttributeTable;
  readonly guardrail: AttributeTable;
  /** One try at the provider. */
  readonly attempt: AttributeTable;
  /** What is none of the above: `auth`, `pre_call`. */
  readonly step: AttributeTable;
  /** Sent unless the destination sets them. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The backend refuses JSON. */
  readonly protobufOnly: boolean;
  /** Attempts that failed beneath a call that went well are sent with status unset. */
  readonly unsetsRecoveredAttempts: boolean;
}

/** Writes what one destination gets of a stored call. Throws RangeError when its spans cannot be read. */
export type CallTranslation = (spans: SpanBytes, out: ByteWriter) => void;

/** Changes what appending cannot: gives other bytes, or the same array. Throws the same. */
export type CallRewrite = (spans: Uint8Array) => Uint8Array;
