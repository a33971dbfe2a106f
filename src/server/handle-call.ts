// One call on the server thread, from request to reply: refused at the door, or handed to a worker.

import { GatewayError } from "../errors/gateway-error.ts";
import type { CallTask } from "../protocol/call-task.ts";
import { parseTraceparent } from "../tracing/recorder/propagation.ts";
import type { SpanContext } from "../tracing/recorder/propagation.ts";
import { listModels } from "./answer-models.ts";
import type { CallDeps } from "./call-deps.ts";
import { refuse } from "./finish.ts";
import { fly } from "./flight.ts";
import { authenticate, prepareTask } from "./intake.ts";
import type { RequestHost } from "./request-host.ts";
import type { RequestTarget } from "./request-target.ts";
import type { Route } from "./routes.ts";
import { openServerCall } from "./server-call.ts";

export async function handleCall(
  request: Request,
  {
    route,
    target,
    host,
  }: {
    readonly route: Route;
    readonly target: RequestTarget;
    readonly host: RequestHost | null;
  },
  deps: CallDeps,
): Promise<Response> {
  const trace = traceOf(request.headers, deps);
  const call = openServerCall(request, { route, trace, target }, deps);
  let task: CallTask;
  try {
    authenticate(call, request, deps);
    assertTaken(deps);
    if (route.methods.length > 0 && !route.methods.includes(request.method)) {
      throw new GatewayError("method_not_allowed", `use ${route.methods.join(" or ")} here`);
    }
    task = await prepareTask(call, { request, search: target.search }, deps);
    assertTaken(deps); // the body may have taken its time
    deps.openCalls.admit(call, task.provider);
  } catch (error) {
    return refuse(call, error, deps);
  }
  if (route.name === "models" && deps.config.models !== undefined) {
    return listModels({ call, task, deps });
  }
  return fly(request, { call, task, host, deps });
}

/** @throws GatewayError why no call can be taken now */
function assertTaken({ refusesNow }: CallDeps): void {
  const unable = refusesNow();
  if (unable !== undefined) throw unable;
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
