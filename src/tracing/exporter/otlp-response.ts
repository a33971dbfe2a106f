// Reads a destination's answer: accepted, try again, misconfigured, or these calls are refused. Pure.

import { eachField, readInt64, readText } from "../recorder/wire-reader.ts";

/**
 * - `accepted`: with what a partial success says; `rejectedSpans` must not be sent again.
 * - `retry`: the same bytes may succeed later.
 * - `misconfigured`: no call would fare better until somebody changes something.
 * - `refused`: something in these very calls, perhaps.
 */
export type ExportOutcome =
  | { readonly kind: "accepted"; readonly rejectedSpans: number; readonly message: string }
  | {
      readonly kind: "retry";
      readonly reason: string;
      readonly retryAfterMs: number | undefined;
      /** Somebody was there and said no. */
      readonly isAnswered: boolean;
    }
  | { readonly kind: "misconfigured"; readonly reason: string }
  | { readonly kind: "refused"; readonly status: number; readonly reason: string };

export interface ReceivedAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string;
  readonly location: string;
  readonly body: Uint8Array;
}

/** Total: an answer that cannot be read counts by its status. */
export function exportOutcome(answer: ReceivedAnswer, nowMs: number): ExportOutcome {
  const { status } = answer;
  if (status >= 200 && status < 300) return successOutcome(answer);
  const reason = `HTTP ${status}${answerText(answer)}`;
  if (status === 400 || status === 413 || status === 422)
    return { kind: "refused", status, reason };
  if (status < 400 || status === 408 || status === 429 || status >= 500) {
    const afterMs = retryAfterMs(answer.retryAfter, nowMs);
    return { kind: "retry", reason, retryAfterMs: afterMs, isAnswered: true };
  }
  return { kind: "misconfigured", reason };
}

/** Retry-After as milliseconds from now: seconds or an HTTP date; undefined when absent or unreadable. */
export function retryAfterMs(header: string, nowMs: number): number | undefined {
  const text = header.trim();
  if (text === "") return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

function successOutcome(answer: ReceivedAnswer): ExportOutcome {
  // A login page or a proxy's greeting is not a receiver's answer, whatever its status.
  if (/^text\/html\b/i.test(answer.contentType)) {
    const reason = `HTTP ${answer.status} with a web page instead of an OTLP answer`;
    return { kind: "retry", reason, retryAfterMs: undefined, isAnswered: true };
  }
  return { kind: "accepted", ...partialSuccess(answer.body) };
}

/** Receivers answer in either encoding whatever was sent (MLflow), so the body itself tells. */
function partialSuccess(body: Uint8Array): { rejectedSpans: number; message: string } {
  const none = { rejectedSpans: 0, message: "" };
  try {
    return (body[0] === 0x7b ? jsonPartialSuccess(body) : protobufPartialSuccess(body)) ?? none;
  } catch (error) {
    return { rejectedSpans: 0, message: `unreadable answer: ${String(error)}` };
  }
}

function jsonPartialSuccess(body: Uint8Array) {
  const answer: unknown = JSON.parse(new TextDecoder().decode(body));
  if (!isRecord(answer) || !isRecord(answer["partialSuccess"])) return undefined;
  const { rejectedSpans, errorMessage } = answer["partialSuccess"];
  return {
    // A whole number: the ledger's account takes no other.
    rejectedSpans: Math.max(0, Math.trunc(Number(rejectedSpans ?? 0)) || 0),
    message: typeof errorMessage === "string" ? errorMessage : "",
  };
}

function protobufPartialSuccess(body: Uint8Array) {
  let rejectedSpans = 0;
  let message = "";
  eachField(body, 0, body.length, (field, _wire, start, end) => {
    if (field !== 1) return;
    eachField(body, start, end, (part, _partWire, from, to) => {
      if (part === 1) rejectedSpans = Math.max(0, Number(readInt64(body, from)));
      else if (part === 2) message = readText(body, from, to);
    });
  });
  return { rejectedSpans, message };
}

/** What the body says, shortened: JSON `message`, else the text, else nothing. */
function answerText(answer: ReceivedAnswer): string {
  if (answer.location !== "") return ` to ${answer.location}`;
  if (/html/i.test(answer.contentType)) return " (a web page)";
  const text = new TextDecoder().decode(answer.body.subarray(0, 500));
  const printable = text.replaceAll(/[^\x20-\x7e]+/g, " ").trim();
  return printable === "" ? "" : `: ${printable.slice(0, 200)}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
