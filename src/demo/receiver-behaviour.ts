// Demo and tests: the ways the OTLP receiver answers, good and bad.

import type { RawReply } from "./raw-http-server.ts";
import { plainResponse } from "./raw-response.ts";

/** How a request is answered. Only what is answered 2xx counts as accepted. */
export type ReceiverBehaviour =
  | { readonly kind: "accept" }
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** 200, but the first `rejectedSpans` spans are refused. */
  | { readonly kind: "partial"; readonly rejectedSpans: number; readonly message: string }
  /** 200 with a web page, as a wrong address behind a proxy gives. */
  | { readonly kind: "html" }
  /** Takes the request, never answers. */
  | { readonly kind: "hang" }
  /** Drops the connection after the request. */
  | { readonly kind: "reset" }
  /** Accepts, waits `delayMs` before it says so. */
  | { readonly kind: "slow"; readonly delayMs: number };

/** How many of a request's spans the behaviour accepts. */
export function acceptedOf(spanCount: number, behaviour: ReceiverBehaviour): number {
  switch (behaviour.kind) {
    case "accept":
    case "slow":
      return spanCount;
    case "status":
      return behaviour.status < 300 ? spanCount : 0;
    case "partial":
      return Math.max(0, spanCount - behaviour.rejectedSpans);
    case "html":
    case "hang":
    case "reset":
      return 0;
  }
}

/** Answers a request of this content type; success has the same one, as OTLP asks. */
export function respond(reply: RawReply, contentType: string, behaviour: ReceiverBehaviour): void {
  const empty = contentType.startsWith("application/json") ? "{}" : "";
  const send = (status: number, headers: Readonly<Record<string, string>>, body: string): void => {
    reply.write(plainResponse(status, headers, body));
    reply.end();
  };
  switch (behaviour.kind) {
    case "accept":
      return send(200, { "content-type": contentType }, empty);
    case "slow":
      setTimeout(() => send(200, { "content-type": contentType }, empty), behaviour.delayMs);
      return;
    case "status":
      return send(behaviour.status, behaviour.headers ?? {}, behaviour.body ?? "");
    case "partial":
      return send(200, { "content-type": contentType }, partialSuccess(contentType, behaviour));
    case "html":
      return send(200, { "content-type": "text/html" }, "<html><body>Welcome</body></html>");
    case "hang":
      return;
    case "reset":
      return reply.reset();
  }
}

/** ExportTraceServiceResponse with a partial_success (field 1: rejected_spans 1, error_message 2). */
function partialSuccess(
  contentType: string,
  partial: { readonly rejectedSpans: number; readonly message: string },
): string {
  if (contentType.startsWith("application/json")) {
    return JSON.stringify({
      partialSuccess: {
        rejectedSpans: String(partial.rejectedSpans),
        errorMessage: partial.message,
      },
    });
  }
  // ASCII and small by contract: each length fits one byte.
  const { rejectedSpans, message } = partial;
  if (rejectedSpans > 127 || message.length > 100) throw new Error("partial success too large");
  const inner = `\x08${String.fromCharCode(rejectedSpans)}\x12${String.fromCharCode(message.length)}${message}`;
  return `\x0a${String.fromCharCode(inner.length)}${inner}`;
}
