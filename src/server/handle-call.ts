// One call on the server thread, from request to reply: the one pipeline, with one way out. It waits for
// the worker and for the commit, never for a provider.

import type { Config } from "../config/schema.ts";
import { GatewayError, toWireError } from "../errors/gateway-error.ts";
import type { WireError } from "../errors/gateway-error.ts";
import { fromBinary } from "../protocol/binary-string.ts";
import type { CallResult, CallTask, WorkerMessage } from "../protocol/call-task.ts";
import type { CallCommand } from "../protocol/exporter-message.ts";
import { parseTraceparent } from "../tracing/recorder/propagation.ts";
import type { SpanContext } from "../tracing/recorder/propagation.ts";
import type { CallReport } from "./call-report.ts";
import { errorResponse } from "./error-response.ts";
import type { ExporterThread } from "./exporter-thread.ts";
import { authenticate, prepareTask } from "./intake.ts";
import type { IntakeDeps } from "./intake.ts";
import type { OpenCalls } from "./open-calls.ts";
import type { RefusalBudget } from "./refusal-budget.ts";
import type { Route } from "./routes.ts";
import type { Sampler } from "./sampler.ts";
import { abandonCall, journalOf, openServerCall, sealCall } from "./server-call.ts";
import type { ServerCall, ServerCallDeps } from "./server-call.ts";
import { streamErrorEvent } from "./stream-error.ts";
import { createStreamSink } from "./stream-response.ts";
import type { StreamSink } from "./stream-response.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface CallDeps extends IntakeDeps, ServerCallDeps {
  readonly config: Config;
  readonly pool: WorkerPool;
  readonly exporter: ExporterThread;
  readonly openCalls: OpenCalls;
  readonly refusals: RefusalBudget;
  readonly sampler: Sampler;
  /** Why a call cannot be taken now, or undefined. */
  readonly refusesNow: () => GatewayError | undefined;
  /** Told once per call, when its reply is decided. */
  readonly report: (report: CallReport) => void;
}

/** A call on its way through a worker. */
interface Flight {
  readonly call: ServerCall;
  readonly task: CallTask;
  readonly deps: CallDeps;
  /** Hands the reply to the client; later calls change nothing. */
  readonly reply: (response: Response) => void;
  sink: StreamSink | undefined;
  status: number;
}

export async function handleCall(
  request: Request,
  { route, url }: { readonly route: Route; readonly url: URL },
  deps: CallDeps,
): Promise<Response> {
  const trace = traceOf(request.headers, deps);
  const call = openServerCall(request, { route, trace, url }, deps);
  let task: CallTask;
  try {
    const unable = deps.refusesNow();
    if (unable !== undefined) throw unable;
    if (route.methods.length > 0 && !route.methods.includes(request.method)) {
      throw new GatewayError("method_not_allowed", `use ${route.methods.join(" or ")} here`);
    }
    authenticate(call, request, deps);
    task = await prepareTask(call, { request, search: url.search }, deps);
    deps.openCalls.admit(call, task.provider);
  } catch (error) {
    return refuse(call, error, deps);
  }
  return fly(request, { call, task, deps });
}

/** The caller's span context or a new trace; the sampling decision is made here, once. */
export function traceOf(
  headers: Headers,
  { ids, sampler }: Pick<CallDeps, "ids" | "sampler">,
): SpanContext {
  const caller = parseTraceparent(headers.get("traceparent"), headers.get("tracestate"));
  const traceId = caller?.traceId ?? ids.traceId();
  return {
    traceId,
    spanId: caller?.spanId ?? "",
    traceFlags: sampler(traceId, caller),
    traceState: caller?.traceState ?? "",
    isRemote: caller !== undefined,
  };
}

/** Answers without a worker. Traced within the budget; the reply waits for no commit. */
export function refuse(call: ServerCall, error: unknown, deps: CallDeps): Response {
  if (!(error instanceof GatewayError)) deps.openCalls.bug(error);
  const failure = toWireError(error);
  const response = errorResponse(failure, { api: call.route.api, traceId: call.traceId });
  const command = sealCall(call, { status: response.status, failure });
  if (deps.refusals.take()) void deps.exporter.commit(command);
  deps.report({ call, status: response.status, outcome: undefined, failure, refused: true });
  return response;
}

function fly(
  request: Request,
  { call, task, deps }: { call: ServerCall; task: CallTask; deps: CallDeps },
): Promise<Response> {
  return new Promise((resolve) => {
    const leave = (): void => deps.pool.cancel(call.id, "client_disconnected");
    const flight: Flight = { call, task, deps, reply: resolve, sink: undefined, status: 0 };
    request.signal.addEventListener("abort", leave, { once: true });
    const landed = (): void => {
      request.signal.removeEventListener("abort", leave);
      deps.openCalls.release(call, task.provider);
      deps.pool.forget(call.id);
    };
    const listener = {
      receive(message: WorkerMessage, credit: (bytes: number) => void): void {
        if (call.sealed) return;
        if (message.kind === "end") {
          landed();
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
  });
}

function receivePart(
  flight: Flight,
  message: Exclude<WorkerMessage, { kind: "end" }>,
  credit: (bytes: number) => void,
): void {
  const { call, deps } = flight;
  switch (message.kind) {
    case "head":
      flight.status = message.status;
      flight.sink = createStreamSink(() => deps.pool.cancel(call.id, "client_disconnected"));
      flight.reply(
        new Response(flight.sink.stream, {
          status: message.status,
          headers: clientHeaders(message.headers, call.traceId),
        }),
      );
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
  }
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
    await commit(flight, sealCall(call, { status, failure, outcome: result }));
    deps.report({ call, status, outcome: result, failure, refused: false });
    flight.reply(response);
    return;
  }
  await commit(flight, sealCall(call, { status: result.status, outcome: result }));
  deps.report({ call, status: result.status, outcome: result, failure: undefined, refused: false });
  flight.reply(
    new Response(hasNoBody(result.status) ? null : fromBinary(result.body), {
      status: result.status,
      headers: clientHeaders(result.headers, call.traceId),
    }),
  );
}

/** A stream's end: its last bytes leave when the call is committed. */
async function endStream(
  flight: Flight,
  end: Extract<WorkerMessage, { kind: "end" }>,
): Promise<void> {
  const { call, deps, sink, status } = flight;
  const failure = streamFailure(end);
  await commit(flight, sealCall(call, { status, failure, outcome: end }));
  deps.report({ call, status, outcome: end, failure, refused: false });
  sink?.end(end.text);
}

function streamFailure(end: {
  readonly errorCode: WireError["code"] | "";
  readonly errorType: string;
}): WireError | undefined {
  if (end.errorCode === "") return undefined;
  return { code: end.errorCode, message: "the stream ended with an error" };
}

/** The worker is gone, or never took the call. */
async function endBroken(flight: Flight, error: unknown): Promise<void> {
  const { call, deps, sink } = flight;
  const failure = toWireError(error);
  if (failure.code === "overloaded") {
    flight.reply(refuse(call, error, deps));
    return;
  }
  const { api, generates } = call.route;
  const response = errorResponse(failure, { api, traceId: call.traceId });
  const status = sink === undefined ? response.status : flight.status;
  await commit(flight, abandonCall(call, failure, { chat: generates, status }));
  deps.report({ call, status, outcome: undefined, failure, refused: false });
  if (sink === undefined) flight.reply(response);
  else sink.end(streamErrorEvent(api, failure));
}

/** Waits for the commit as configured; a call that cannot be committed in time is served all the same. */
async function commit({ deps }: Flight, command: CallCommand): Promise<void> {
  const committed = deps.exporter.commit(command);
  if (deps.config.tracing.replyWaitsFor === "nothing") return;
  await committed;
}

function clientHeaders(json: string, traceId: string): [string, string][] {
  const headers = JSON.parse(json) as [string, string][];
  headers.push(["x-trace-id", traceId]);
  return headers;
}

/** RFC 9110: these statuses carry no content, and Response refuses one. */
function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
