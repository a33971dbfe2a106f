// The ways in which the server thread itself closes a call: refused at the door, or committed.

import { GatewayError, toWireError } from "../errors/gateway-error.ts";
import type { CallCommand } from "../protocol/exporter-message.ts";
import type { CallDeps } from "./call-deps.ts";
import { errorResponse } from "./error-response.ts";
import { sealCall } from "./server-call.ts";
import type { ServerCall } from "./server-call.ts";

/** Answers without a worker. Traced within the budget; the reply waits for no commit. */
export function refuse(call: ServerCall, error: unknown, deps: CallDeps): Response {
  if (!(error instanceof GatewayError)) deps.openCalls.bug(error);
  const failure = toWireError(error);
  const { api, methods } = call.route;
  const response = errorResponse(failure, { api, traceId: call.traceId, methods });
  if (deps.refusals.take()) {
    const sealed = sealCall(call, { status: response.status, failure });
    deps.refusals.spend(sealed.spans.length);
    void deps.exporter.commit({ ...sealed, isRefusal: true });
  } else {
    call.sealed = true;
  }
  const { status } = response;
  deps.report({ call, status, outcome: undefined, failure, refused: true }, deps.clock());
  return response;
}

/** Waits for the commit as configured; a call that cannot be committed in time is served all the same. */
export async function commit(deps: CallDeps, command: CallCommand): Promise<void> {
  const committed = deps.exporter.commit(command);
  if (deps.config.tracing.replyWaitsFor === "nothing") return;
  await committed;
}
