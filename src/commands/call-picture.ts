// Draws the spans of one call as an indented tree for a terminal (demo, status). Pure; knows nothing of where
// the spans come from.

import { attr } from "../tracing/recorder/semconv.ts";
import { printable } from "./printable.ts";

/** What a picture needs of a span. Ids in hex, times in ms since the epoch, kinds and codes as in OTLP. */
export interface PictureSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startMs: number;
  /** Absent while the span is open. */
  readonly endMs: number | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly statusCode: number;
  readonly statusMessage: string;
}

interface Placed {
  readonly span: PictureSpan;
  /** The bars before the name. */
  readonly lead: string;
}

/**
 * The tree with durations, one line per span, siblings by start. A span whose parent is not there is drawn
 * as a root of its own. Ends without a line break; empty for no spans.
 */
export function callPicture(spans: readonly PictureSpan[]): string {
  const rows = inTree(spans).map(({ span, lead }) => ({
    left: `${lead}${shortText(span.name)}`,
    kind: kindNames[span.kind] ?? "",
    duration: durationText(span),
    notes: [...timeNotes(span), ...outcomeNotes(span), ...tokenNotes(span)].join("  "),
  }));
  const width = Math.max(0, ...rows.map((row) => row.left.length));
  const durationWidth = Math.max(0, ...rows.map((row) => row.duration.length));
  return rows
    .map(({ left, kind, duration, notes }) =>
      `${left.padEnd(width)}  ${kind.padEnd(8)}  ${duration.padStart(durationWidth)}  ${notes}`.trimEnd(),
    )
    .join("\n");
}

/** The same tree without times, ids and token counts: equal for calls that went the same way. */
export function callShape(spans: readonly PictureSpan[]): string {
  return inTree(spans)
    .map(({ span, lead }) => [`${lead}${shortText(span.name)}`, ...outcomeNotes(span)].join("  "))
    .join("\n");
}

const errorStatus = 2;
/** Of a name or a note. */
const textCharsMax = 200;

const kindNames: Readonly<Record<number, string>> = {
  1: "internal",
  2: "server",
  3: "client",
  4: "producer",
  5: "consumer",
};

function inTree(spans: readonly PictureSpan[]): Placed[] {
  const ids = new Set(spans.map((span) => span.spanId));
  const children = Map.groupBy(spans.toSorted(byStart), (span) =>
    ids.has(span.parentSpanId) && span.parentSpanId !== span.spanId ? span.parentSpanId : "",
  );
  const placed: Placed[] = [];
  const place = (parent: string, indent: string, top: boolean): void => {
    const siblings = children.get(parent) ?? [];
    for (const [at, span] of siblings.entries()) {
      const last = at === siblings.length - 1;
      placed.push({ span, lead: top ? "" : `${indent}${last ? "└─ " : "├─ "}` });
      place(span.spanId, top ? "" : `${indent}${last ? "   " : "│  "}`, false);
    }
  };
  place("", "", true);
  return placed;
}

/** Ties are broken so that the same spans give the same picture in whatever order they came. */
function byStart(a: PictureSpan, b: PictureSpan): number {
  if (a.startMs !== b.startMs) return a.startMs - b.startMs;
  return a.name.localeCompare(b.name) || a.spanId.localeCompare(b.spanId);
}

function durationText(span: PictureSpan): string {
  if (span.endMs === undefined) return "open";
  const durationMs = span.endMs - span.startMs;
  return `${durationMs < 100 ? durationMs.toFixed(1) : durationMs.toFixed(0)} ms`;
}

function timeNotes(span: PictureSpan): string[] {
  const firstSeconds = span.attributes[attr.responseTimeToFirstChunk];
  if (typeof firstSeconds !== "number") return [];
  return [`first token ${(firstSeconds * 1000).toFixed(1)} ms`];
}

/** What became of the span: status, resend, guardrail verdict, error. */
function outcomeNotes(span: PictureSpan): string[] {
  const text = (name: string): string => attributeText(span.attributes[name]);
  const notes: string[] = [];
  const status = text(attr.httpResponseStatusCode);
  if (status !== "") notes.push(status);
  const resend = text(attr.httpRequestResendCount);
  if (resend !== "" && resend !== "0") notes.push(`resend ${resend}`);
  const verdict = text(attr.guardrailVerdict);
  if (verdict !== "") notes.push(`${text(attr.guardrailStage)} ${verdict}`.trim());
  const finish = text(attr.responseFinishReasons);
  if (finish !== "") notes.push(finish);
  const errorType = text(attr.errorType);
  if (errorType !== "" && errorType !== status) notes.push(`error ${errorType}`);
  else if (span.statusCode === errorStatus) notes.push("error");
  return notes;
}

function tokenNotes(span: PictureSpan): string[] {
  const { attributes } = span;
  const input = attributes[attr.usageInputTokens];
  const output = attributes[attr.usageOutputTokens];
  if (input === undefined && output === undefined) return [];
  return [`tokens ${countText(input)} in / ${countText(output)} out`];
}

function countText(count: unknown): string {
  return typeof count === "number" ? String(count) : "?";
}

/** Empty for what is absent or structured: a picture shows short facts only. */
function attributeText(value: unknown): string {
  if (Array.isArray(value)) return value.map(attributeText).join(",");
  if (typeof value === "string") return shortText(value);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

function shortText(text: string): string {
  return printable(text.slice(0, textCharsMax));
}
