// Tests: an OTLP receiver on a real socket that answers as told and keeps what it was sent.

import { eachField } from "../../src/tracing/recorder/wire-reader.ts";
import { decodeSpans, type DecodedSpan } from "../../src/tracing/recorder/span-decoding.ts";

export interface ReceivedRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** After gunzip. */
  readonly body: Uint8Array;
  readonly spans: readonly DecodedSpan[];
  readonly status: number;
}

export type Answer = (
  spans: readonly DecodedSpan[],
  request: Request,
) => Response | Promise<Response>;

export interface ScriptedReceiver {
  readonly endpoint: string;
  readonly port: number;
  readonly requests: ReceivedRequest[];
  /** Spans of the requests that were answered 2xx, in order of arrival. */
  accepted(): DecodedSpan[];
  answerWith(answer: Answer): void;
  stop(): Promise<void>;
}

export const acceptAll: Answer = () => new Response(null, { status: 200 });

export function startReceiver(first: Answer = acceptAll, port = 0): ScriptedReceiver {
  let answer = first;
  const requests: ReceivedRequest[] = [];
  const server = Bun.serve({
    port,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const raw = new Uint8Array(await request.arrayBuffer());
      const gzip = request.headers.get("content-encoding") === "gzip";
      const body: Uint8Array = gzip ? Bun.gunzipSync(raw) : raw;
      const json = request.headers.get("content-type") === "application/json";
      const spans = json ? [] : requestSpans(body);
      const response = await answer(spans, request);
      const headers = Object.fromEntries(request.headers);
      requests.push({ headers, body, spans, status: response.status });
      return response;
    },
  });
  return {
    endpoint: `http://127.0.0.1:${server.port}/v1/traces`,
    port: server.port ?? 0,
    requests,
    accepted: () =>
      requests
        .filter(({ status }) => status >= 200 && status < 300)
        .flatMap((request) => request.spans),
    answerWith(next) {
      answer = next;
    },
    stop: () => server.stop(true),
  };
}

/** The spans of an ExportTraceServiceRequest. */
export function requestSpans(body: Uint8Array): DecodedSpan[] {
  const entries: Uint8Array[] = [];
  eachField(body, 0, body.length, (_resourceSpans, _wire, start, end) => {
    eachField(body, start, end, (field, _wire2, from, to) => {
      if (field !== 2) return;
      let entryStart = from;
      eachField(body, from, to, (part, _wire3, _spanStart, spanEnd) => {
        if (part === 2) entries.push(body.subarray(entryStart, spanEnd));
        entryStart = spanEnd;
      });
    });
  });
  return entries.flatMap((entry) => decodeSpans(entry));
}
