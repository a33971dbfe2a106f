// One call as the server thread sees it: its root, `auth` and `pre_call`, and the sealing of the whole
// call into the one message that the exporter commits. Made when a request arrives, gone with its reply.

import type { WireError } from "../errors/gateway-error.ts";
import { errorRule } from "../errors/gateway-error.ts";
import type { CallOutcome } from "../protocol/call-task.ts";
import type { CallCommand, ExporterCommand } from "../protocol/exporter-message.ts";
import { createCallSpans } from "../tracing/recorder/call-spans.ts";
import type { CallSpans, Span } from "../tracing/recorder/call-spans.ts";
import type { Clock } from "../tracing/recorder/clock.ts";
import type { IdSource } from "../tracing/recorder/ids.ts";
import { baggageMember, sampledFlag } from "../tracing/recorder/propagation.ts";
import type { SpanContext } from "../tracing/recorder/propagation.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import { SpanKind } from "../tracing/recorder/span-encoding.ts";
import type { SpanWriter } from "../tracing/recorder/span-writer.ts";
import type { Attributes } from "../tracing/recorder/span-encoding.ts";
import type { RequestTarget } from "./request-target.ts";
import type { Route } from "./routes.ts";

export interface ServerCall {
  readonly id: string;
  readonly route: Route;
  readonly traceId: string;
  readonly spans: CallSpans;
  readonly root: Span;
  readonly startedMs: number;
  readonly sampled: boolean;
  /** On every span of the call: session and user. Filled in as they become known. */
  readonly common: Attributes;
  /** Of the caller's key; empty until it is known, and without keys. */
  keyName: string;
  /** As the caller wrote it; empty until the body has been read, and where it names none. */
  model: string;
  /** Set once, when the call has been handed to the exporter: a call is sealed by whoever is first. */
  sealed: boolean;
  journaled: boolean;
  /** Called once, when the call has been open for a while. */
  whenOld: (() => void) | undefined;
}

/** A worker's spans of a call as it journaled them, some of them open. */
export interface WorkerPart {
  readonly spans: string;
  readonly spanCount: number;
}

export interface ServerCallDeps {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly writer: SpanWriter;
}

/** HTTP conventions: RFC 9110 and PATCH; any other goes by `_OTHER`. */
const knownMethods: ReadonlySet<string> = new Set(
  "GET HEAD POST PUT PATCH DELETE CONNECT OPTIONS TRACE".split(" "),
);

/** Starts the root span. `trace` is the caller's context, or a new trace's with an empty span id. */
export function openServerCall(
  request: Request,
  {
    route,
    trace,
    target,
  }: { readonly route: Route; readonly trace: SpanContext; readonly target: RequestTarget },
  deps: ServerCallDeps,
): ServerCall {
  const id = deps.ids.callId();
  const spans = createCallSpans(deps, trace);
  const { headers, method } = request;
  const isKnown = knownMethods.has(method);
  const root = spans.start({
    name: `${isKnown ? method : "HTTP"} ${route.template}`,
    kind: SpanKind.server,
    attributes: {
      [attr.httpRequestMethod]: isKnown ? method : "_OTHER",
      [attr.httpRequestMethodOriginal]: isKnown ? undefined : method,
      [attr.httpRoute]: route.template,
      [attr.urlPath]: target.pathname,
      [attr.urlScheme]: "http",
      [attr.serverAddress]: target.hostname,
      [attr.serverPort]: target.port,
      [attr.userAgent]: headers.get("user-agent")?.slice(0, 256),
      [attr.callId]: id,
    },
  });
  const common: Attributes = {};
  const baggage = headers.get("baggage");
  const session = headers.get("x-session-id") ?? baggageMember(baggage, attr.sessionId);
  if (session !== undefined && session !== "") common[attr.sessionId] = session.slice(0, 256);
  // The body's own user, known later, wins over the baggage's.
  const user = baggageMember(baggage, attr.userId);
  if (user !== undefined && user !== "") common[attr.userId] = user.slice(0, 256);
  return {
    id,
    route,
    traceId: trace.traceId,
    spans,
    root,
    startedMs: root.startMs,
    sampled: (trace.traceFlags & sampledFlag) !== 0,
    common,
    keyName: "",
    model: "",
    sealed: false,
    journaled: false,
    whenOld: undefined,
  };
}

/**
 * Ends the root and makes the one message of this call. `status`: what the client was sent, absent when it
 * has left before that. `failure`: why the reply is not what the provider said.
 */
export function sealCall(
  call: ServerCall,
  end: {
    readonly status: number | undefined;
    readonly failure?: WireError | undefined;
    readonly outcome?: CallOutcome | undefined;
  },
): Extract<CallCommand, { kind: "finished" }> {
  finishRoot(call, end.status, end.failure);
  call.spans.end(call.root, end.outcome?.lastEndMs);
  call.sealed = true;
  return {
    kind: "finished",
    call: call.id,
    spans: call.spans.encode(call.common) + (end.outcome?.spans ?? ""),
    spanCount: call.spans.count() + (end.outcome?.spanCount ?? 0),
    sampled: call.sampled,
  };
}

/**
 * Seals a call whose worker is gone. `workerPart`: what the worker had journaled; the exporter closes what is
 * open in it.
 */
export function abandonCall(
  call: ServerCall,
  failure: WireError,
  {
    chat,
    status,
    workerPart,
  }: {
    readonly chat: boolean;
    readonly status: number | undefined;
    readonly workerPart?: WorkerPart | undefined;
  },
): CallCommand {
  finishRoot(call, status, failure);
  const own = { spans: "", spanCount: call.spans.count() };
  // Should the worker not even have journaled, the call still keeps its `chat` span.
  const fallback = createCallSpans(
    { clock: () => call.startedMs, ids: { spanId: () => fallbackSpanId(call) } },
    call.spans.contextOf(call.root),
  );
  if (chat && workerPart === undefined) {
    const span = fallback.start({
      name: `chat ${call.model}`,
      kind: SpanKind.client,
      attributes: { [attr.operationName]: "chat", [attr.requestModel]: call.model },
    });
    // A caller that leaves while its call still waits for a thread is no error of the call.
    if (failure.code === "client_disconnected") span.attributes[attr.clientDisconnected] = true;
    else fallback.fail(span, failure.code, failure.message);
    call.spans.end(call.root);
    fallback.end(span, call.root.endMs);
  }
  call.spans.end(call.root);
  own.spans = call.spans.encode(call.common);
  call.sealed = true;
  return {
    kind: "abandoned",
    call: call.id,
    ...own,
    fallbackSpans: workerPart?.spans ?? fallback.encode(call.common),
    fallbackSpanCount: workerPart?.spanCount ?? fallback.count(),
    sampled: call.sampled,
    endedAtMs: call.root.endMs ?? call.startedMs,
    errorType: failure.code,
    message: failure.message,
  };
}

/** What is known of a call that has been open for a while, for the ledger's journal. */
export function journalOf(call: ServerCall): Extract<ExporterCommand, { kind: "journal" }> {
  call.journaled = true;
  return {
    kind: "journal",
    call: call.id,
    part: "server",
    spans: call.spans.encode(call.common),
    spanCount: call.spans.count(),
    sampled: call.sampled,
  };
}

/** HTTP conventions for a SERVER span: 5xx is an error, 4xx is the caller's affair and stays unset. */
function finishRoot(
  call: ServerCall,
  status: number | undefined,
  failure: WireError | undefined,
): void {
  const { root, spans } = call;
  if (status !== undefined) root.attributes[attr.httpResponseStatusCode] = status;
  if (failure?.code === "client_disconnected") {
    // The connection was lost on the caller's side: said, with whatever status had been sent.
    root.attributes[attr.errorType] = failure.code;
    root.attributes[attr.clientDisconnected] = true;
    return;
  }
  if (failure !== undefined) {
    const own = errorRule(failure.code).status;
    if (own >= 500 || (status !== undefined && status < 400)) {
      spans.fail(root, failure.code, failure.message);
    }
  } else if (status !== undefined && status >= 500) {
    spans.fail(root, String(status));
  }
}

/** Differs from every id drawn at random only in being derived: the call's own UUID, last 16 digits. */
function fallbackSpanId(call: ServerCall): string {
  return call.id.replaceAll("-", "").slice(-16);
}
