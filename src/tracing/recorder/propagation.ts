// W3C Trace Context (Level 2) and Baggage headers, parsed and formatted. Pure, any thread: this is how a
// span context crosses every boundary, the worker's included.

export interface SpanContext {
  readonly traceId: string;
  /** Empty: the trace begins here and has no span yet. */
  readonly spanId: string;
  /** The flags byte: 0x01 sampled, 0x02 random trace id. */
  readonly traceFlags: number;
  readonly traceState: string;
  /** Whether the span is another process's. */
  readonly isRemote: boolean;
}

export const sampledFlag = 0x01;
export const randomFlag = 0x02;

const tracestateCharsMax = 512;
const tracestateMembersMax = 32;
const baggageBytesMax = 8192;
const baggageMembersMax = 64;

const traceparentPattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const memberPattern =
  /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/**
 * The caller's span context, or undefined where there is none or it is malformed: then a new trace
 * begins and the tracestate is dropped (W3C Trace Context §3.2.2.3 and §3.3.1.2). Two traceparent
 * headers reach us joined by a comma, which is malformed.
 */
export function parseTraceparent(
  traceparent: string | null | undefined,
  tracestate?: string | null,
): SpanContext | undefined {
  const match = traceparentPattern.exec(traceparent?.trim() ?? "");
  if (match === null) return undefined;
  const [, version = "", traceId = "", spanId = "", flags = "", suffix] = match;
  if (version === "ff" || (version === "00" && suffix !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  // Only the flags that we know are kept: others must be 0 on output.
  const traceFlags = Number.parseInt(flags, 16) & (sampledFlag | randomFlag);
  return { traceId, spanId, traceFlags, traceState: parseTracestate(tracestate), isRemote: true };
}

/** Version 00, which every later version's reader takes. */
export function formatTraceparent(context: SpanContext): string {
  const flags = context.traceFlags.toString(16).padStart(2, "0");
  return `00-${context.traceId}-${context.spanId}-${flags}`;
}

/** One member of the combined baggage header, percent-decoded, without its properties. */
export function baggageMember(baggage: string | null | undefined, key: string): string | undefined {
  if (!baggage || baggage.length > baggageBytesMax) return undefined;
  const members = baggage.split(",");
  if (members.length > baggageMembersMax) return undefined;
  for (const member of members) {
    const separator = member.indexOf("=");
    if (separator < 0 || member.slice(0, separator).trim() !== key) continue;
    const value = (member.slice(separator + 1).split(";", 1)[0] ?? "").trim();
    return decodePercent(value);
  }
  return undefined;
}

/** Keeps valid members; one bad member discards the list, never the traceparent. */
function parseTracestate(tracestate: string | null | undefined): string {
  if (!tracestate) return "";
  const members = tracestate
    .split(",")
    .map((member) => member.trim())
    .filter((member) => member !== "");
  if (members.length > tracestateMembersMax) return "";
  if (!members.every((member) => memberPattern.test(member))) return "";
  return truncateTracestate(members);
}

/** Whole entries only: those over 128 characters first, then from the right (W3C §3.3.1.5). */
function truncateTracestate(members: string[]): string {
  let kept = members;
  if (kept.join(",").length > tracestateCharsMax) {
    kept = kept.filter((member) => member.length <= 128);
  }
  while (kept.join(",").length > tracestateCharsMax) kept = kept.slice(0, -1);
  return kept.join(",");
}

function decodePercent(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value; // not percent-encoded as it should be: the raw text is the best that is known
  }
}
