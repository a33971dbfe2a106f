// A batch's row as the ledger has it before its provider is called: few enough words for a row to be written in
// a moment, and enough to make its spans of, should nobody be there any more to end them. Pure, any thread.

import type { JournalPart } from "../../protocol/exporter-message.ts";
import type { SpanContext } from "./propagation.ts";
import { attr } from "./semconv.ts";
import { SpanKind, StatusCode, type Attributes, type EncodableSpan } from "./span-encoding.ts";

/** What the rows of a run have in common; told once. */
export interface RowsOrigin {
  readonly run: string;
  /** No row is older. */
  readonly startMs: number;
  /** What rows are sent to that name no model of their own. */
  readonly model: string;
  readonly traceState: string;
  /** The run's span where it is the rows' parent, else empty. */
  readonly parentSpanId: string;
  /** The run's span where each row is a trace of its own. */
  readonly link: { readonly traceId: string; readonly spanId: string } | undefined;
}

export interface RowOpening {
  readonly call: string;
  readonly row: number;
  readonly line: number;
  readonly traceId: string;
  readonly traceFlags: number;
  /** Its root, the call beneath it, and that call's first attempt. */
  readonly spanId: string;
  readonly chatSpanId: string;
  readonly attemptSpanId: string;
  readonly startMs: number;
  /** Empty where it is the origin's. */
  readonly model: string;
}

/**
 * How many spans a row that is open has. `journaled`: those of its parts that were journaled, by their number, 0 where
 * none was; its opening stands for the rest: the row's own span, and two in the place of the worker's.
 */
export function openRowSpans(journaled: Readonly<Record<JournalPart, number>>): number {
  return (journaled.server || 1) + (journaled.worker || 2);
}

/** One line each, which begins with the call. */
export function writeOpenings(origin: RowsOrigin, rows: readonly RowOpening[]): string {
  let text = "";
  for (const each of rows) {
    const { call, row, line, traceId, traceFlags, spanId, chatSpanId, attemptSpanId } = each;
    const model = each.model === "" ? "" : JSON.stringify(each.model);
    // Two small numbers: one with a fraction takes longer to write than all the rest.
    const sinceMs = each.startMs - origin.startMs;
    const wholeMs = Math.floor(sinceMs);
    const fraction = Math.floor((sinceMs - wholeMs) * fractionOfMs);
    text += `${call} ${row} ${line} ${traceId} ${traceFlags} ${spanId} ${chatSpanId} ${attemptSpanId} `;
    text += `${wholeMs} ${fraction} ${model}\n`;
  }
  return text;
}

export function readOpenings(origin: RowsOrigin, text: string): RowOpening[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => readOpening(origin, line));
}

/** The calls alone. */
export function callsOfOpenings(text: string): string[] {
  const calls: string[] = [];
  for (let at = 0; at < text.length; at = text.indexOf("\n", at) + 1) {
    calls.push(text.slice(at, text.indexOf(" ", at)));
  }
  return calls;
}

/** All but the opening of that call. */
export function openingsWithout(text: string, call: string): string {
  return text
    .split("\n")
    .filter((line) => !line.startsWith(`${call} `))
    .join("\n");
}

/** Exact in a double, and finer than the clock. */
const fractionOfMs = 4096;

function readOpening(origin: RowsOrigin, written: string): RowOpening {
  const words = written.split(" ", fixedWords);
  const [call = "", row, line, traceId = "", traceFlags] = words;
  const [spanId = "", chatSpanId = "", attemptSpanId = "", wholeMs, fraction] = words.slice(5);
  const model = written.slice(words.join(" ").length + 1);
  return {
    call,
    row: Number(row),
    line: Number(line),
    traceId,
    traceFlags: Number(traceFlags),
    spanId,
    chatSpanId,
    attemptSpanId,
    startMs: origin.startMs + Number(wholeMs) + Number(fraction) / fractionOfMs,
    model: model === "" ? "" : (JSON.parse(model) as string),
  };
}

const fixedWords = 10;

/** The row's own span, open. */
export function rowSpan(origin: RowsOrigin, row: RowOpening): EncodableSpan {
  return {
    ...openSpan(origin, row),
    spanId: row.spanId,
    parentSpanId: origin.parentSpanId,
    name: "batch_row",
    kind: SpanKind.internal,
    attributes: { [attr.callId]: row.call, [attr.batchLine]: row.line },
    ...(origin.link !== undefined && { links: [origin.link] }),
  };
}

/** What stands in for the worker's spans until it tells of its own: the ids are those that it will use. */
export function standInSpans(origin: RowsOrigin, row: RowOpening): EncodableSpan[] {
  const model = row.model === "" ? origin.model : row.model;
  return [
    {
      ...openSpan(origin, row),
      spanId: row.chatSpanId,
      parentSpanId: row.spanId,
      name: `chat ${model}`,
      kind: SpanKind.client,
      attributes: { [attr.operationName]: "chat", [attr.requestModel]: model },
    },
    {
      ...openSpan(origin, row),
      spanId: row.attemptSpanId,
      parentSpanId: row.chatSpanId,
      name: "POST",
      kind: SpanKind.client,
      attributes: { [attr.httpRequestMethod]: "POST" },
    },
  ];
}

/** Attributes of every span of the row. */
export function rowAttributes({ run }: RowsOrigin, row: number): Attributes {
  return { [attr.batchRunId]: run, [attr.batchRow]: row };
}

/** What is beneath the row's own span. */
export function rowContext({ traceState }: RowsOrigin, row: RowOpening): SpanContext {
  const { traceId, spanId, traceFlags } = row;
  return { traceId, spanId, traceFlags, traceState, isRemote: false };
}

function openSpan({ traceState }: RowsOrigin, { traceId, traceFlags, startMs }: RowOpening) {
  return {
    traceId,
    traceFlags,
    traceState,
    parentIsRemote: false,
    startMs,
    endMs: undefined,
    statusCode: StatusCode.unset,
    statusMessage: "",
  };
}
