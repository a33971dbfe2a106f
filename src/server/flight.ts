// A call on its way through a worker: what comes back is handed to the client, and the call is sealed by
// whichever end comes first. Waits for the commit, never for a provider.

import { toWireError } from "../errors/gateway-error.ts";
import type { WireError } from "../errors/gateway-error.ts";
import { fromBinary } from "../protocol/binary-string.ts";
import type { CallResult, CallTask, StreamMessage } from "../protocol/call-task.ts";
import type { CallDeps } from "./call-deps.ts";
import type { CallReport } from "./call-report.ts";
import { clientResponse } from "./client-response.ts";
import { errorResponse } from "./error-response.ts";
import { commit, refuse } from "./finish.ts";
import { replyBody } from "./reply-body.ts";
import { idleSeconds } from "./request-host.ts";
import type { RequestHost } from "./request-host.ts";
import { abandonCall, journalOf, sealCall } from "./server-call.ts";
import type { ServerCall } from "./server-call.ts";
import { streamErrorEvent } from "./stream-error.ts";
import { createStreamSink } from "./stream-response.ts";
import type { StreamSink } from "./stream-response.ts";

/** A call on its way through a worker. */
interface Flight {
  readonly call: ServerCall;
  readonly task: CallTask;
  readonly deps: CallDeps;
  /** Gives the connection its idle timer back, for the reply's end and for what comes after it. */
  readonly rearm: () => void;
  /** Hands the reply to the client; later calls change nothing. */
  readonly reply: (response: Response) => void;
  sink: StreamSink | undefined;
  /** Whether what is streamed are events, in which an error can be said. */
  isEvents: boolean;
  status: number;
}

/** Runs the task; resolves with the reply as soon as there is one to send, a stream's at its head. */
export function fly(
  request: Request,
  {
    call,
    task,
    host,
    deps,
  }: { call: ServerCall; task: CallTask; host: RequestHost | null; deps: CallDeps },
): Promise<Response> {
  return new Promise((resolve) => {
    const leave = (): void => deps.pool.cancel(call.id, "client_disconnected");
    const flight: Flight = {
      call,
      task,
      deps,
      rearm: () => host?.timeout(request, idleSeconds),
      reply: resolve,
      sink: undefined,
      isEvents: false,
      status: 0,
    };
    // A signal costs more than it is worth to a call that is answered in no time.
    call.whenOld = () => {
      request.signal.addEventListener("abort", leave, { once: true });
      // It tells once: of a caller that has left already it says nothing more.
      if (request.signal.aborted) leave();
    };
    const landed = (): void => deps.openCalls.release(call, task.provider);
    const listener = {
      receive(message: StreamMessage, credit: (bytes: number) => void): void {
        if (call.sealed) return;
        if (message.kind === "end") {
          landed();
          if (message.status > 0) openStream(flight, message);
          if (message.text !== "") flight.sink?.write(message.text, credit);
          void endStream(flight, message);
          return;
        }
        receivePart(flight, message, credit);
      },
    };
    deps.pool.run(task, listener).then(
      (result) => {
        if (result.kind === "streamed" || call.sealed) return;
        landed();
        void endPlain(flight, result);
      },
      (error: unknown) => {
        if (call.sealed) return;
        landed();
        void endBroken(flight, error);
      },
    );
    // A call may be silent for minutes: the idle timer must not cut it. By now the worker is at it.
    host?.timeout(request, 0);
  });
}

function receivePart(
  flight: Flight,
  message: Exclude<StreamMessage, { kind: "end" }>,
  credit: (bytes: number) => void,
): void {
  const { call, deps } = flight;
  switch (message.kind) {
    case "head":
      openStream(flight, message);
      if (message.text !== "") flight.sink?.write(message.text, credit);
      break;
    case "part":
      flight.sink?.write(message.text, credit);
      break;
    case "journal":
      if (!call.journaled) deps.exporter.journal(journalOf(call));
      deps.exporter.journal({
        kind: "journal",
        call: call.id,
        part: "worker",
        spans: message.spans,
        spanCount: message.spanCount,
        sampled: call.sampled,
      });
      break;
    case "refused":
      break; // the calls of a server are not paced
  }
}

function openStream(
  flight: Flight,
  { status, headers }: { readonly status: number; readonly headers: string },
): void {
  const { call, deps } = flight;
  flight.status = status;
  flight.isEvents = /"content-type":"text\/event-stream/i.test(headers);
  flight.sink = createStreamSink(() => deps.pool.cancel(call.id, "client_disconnected"));
  flight.reply(clientResponse(flight.sink.stream, { status, headers, traceId: call.traceId }));
}

/** A whole reply, or everyspan's own error: sent when the call is committed. */
async function endPlain(
  flight: Flight,
  result: Exclude<CallResult, { kind: "streamed" }>,
): Promise<void> {
  const { call, deps } = flight;
  if (result.kind === "failed") {
    const failure: WireError = { code: result.code, message: result.message };
    const response = errorResponse(failure, { api: call.route.api, traceId: call.traceId });
    const left = result.code === "client_disconnected";
    const status = left ? undefined : response.status;
    await commit(deps, sealCall(call, { status, failure, outcome: result.outcome }));
    flight.rearm();
    flight.reply(response);
    reportLater(deps, { call, status, outcome: result.outcome, failure, refused: false });
    return;
  }
  const { status, outcome } = result;
  const committed = commit(deps, sealCall(call, { status, outcome }));
  // Made while the exporter writes.
  const body = replyBody(result.isText ? result.body : fromBinary(result.body));
  const response = clientResponse(body, {
    status,
    headers: result.headers,
    traceId: call.traceId,
  });
  await committed;
  flight.rearm();
  flight.reply(response);
  reportLater(deps, { call, status, outcome, failure: undefined, refused: false });
}

/** A stream's end: its last bytes leave when the call is committed. */
async function endStream(
  flight: Flight,
  end: Extract<StreamMessage, { kind: "end" }>,
): Promise<void> {
  const { call, deps, status } = flight;
  const failure = streamFailure(end);
  const { outcome } = end;
  await commit(deps, sealCall(call, { status, failure, outcome }));
  flight.rearm();
  endSink(flight, end.last, failure !== undefined);
  reportLater(deps, { call, status, outcome, failure, refused: false });
}

/** When the reply is on its way: nobody waits for the figures, who asks for them asks later. */
function reportLater({ clock, report }: CallDeps, told: CallReport): void {
  const endedMs = clock();
  setImmediate(() => report(told, endedMs));
}

/** What broke off and is no event stream must not look whole: its connection breaks off too. */
function endSink({ sink, isEvents }: Flight, text: string, isBroken: boolean): void {
  if (isBroken && !isEvents) sink?.breakOff();
  else sink?.end(text);
}

function streamFailure(end: { readonly errorCode: WireError["code"] | "" }): WireError | undefined {
  if (end.errorCode === "") return undefined;
  return { code: end.errorCode, message: "the stream ended with an error" };
}

/** The worker is gone, or never took the call. */
async function endBroken(flight: Flight, error: unknown): Promise<void> {
  const { call, deps, sink } = flight;
  const failure = toWireError(error);
  if (failure.code === "overloaded") {
    flight.rearm();
    flight.reply(refuse(call, error, deps));
    return;
  }
  const { api, generates } = call.route;
  const response = errorResponse(failure, { api, traceId: call.traceId });
  const left = failure.code === "client_disconnected";
  const status = sink !== undefined ? flight.status : left ? undefined : response.status;
  const workerPart = deps.exporter.workerPart(call.id);
  await commit(deps, abandonCall(call, failure, { chat: generates, status, workerPart }));
  deps.report({ call, status, outcome: undefined, failure, refused: false }, deps.clock());
  flight.rearm();
  if (sink === undefined) flight.reply(response);
  else endSink(flight, streamErrorEvent(api, failure), true);
}
