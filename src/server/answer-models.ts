// Answers `GET /v1/models` from the configured list. Providers are asked through workers, as for any call,
// so that each asking is an attempt in the trace.

import { replyBodyText } from "../protocol/call-task.ts";
import type { CallOutcome, CallTask } from "../protocol/call-task.ts";
import type { WireError } from "../errors/gateway-error.ts";
import {
  mergeModels,
  modelListBody,
  modelsOf,
  providersToAsk,
  readModelList,
} from "./list-models.ts";
import type { ListedModel } from "./list-models.ts";
import type { CallDeps } from "./call-deps.ts";
import { replyBody } from "./reply-body.ts";
import { errorResponse } from "./error-response.ts";
import { commit, refuse } from "./finish.ts";
import { upstreamPath } from "./intake.ts";
import { sealCall } from "./server-call.ts";
import type { ServerCall } from "./server-call.ts";

/** `outcome`: the askings' spans, as one; undefined when nobody had to be asked. */
export type ModelsAnswer =
  | { readonly kind: "listed"; readonly body: string; readonly outcome: CallOutcome | undefined }
  | ({ readonly kind: "failed"; readonly outcome: CallOutcome } & WireError);

/** @throws GatewayError when a worker is lost or the queue is full */
async function answerModels(
  call: ServerCall,
  taskFor: (provider: string) => CallTask,
  deps: CallDeps,
): Promise<ModelsAnswer> {
  const { api } = call.route;
  const models = modelsOf(deps.config, api);
  const listed = new Map<string, readonly ListedModel[]>();
  let outcome: CallOutcome | undefined;
  for (const provider of providersToAsk(models)) {
    const result = await deps.pool.run(taskFor(provider), { receive: () => undefined });
    if (result.kind === "streamed") continue; // a stream is no list
    outcome = joinOutcomes(outcome, result.outcome);
    if (result.kind === "failed" || result.status >= 300) {
      const said = result.kind === "failed" ? result.message : `it answered ${result.status}`;
      return { kind: "failed", code: "provider_invalid", message: `${provider}: ${said}`, outcome };
    }
    listed.set(provider, readModelList(replyBodyText(result)));
  }
  const body = modelListBody(mergeModels(models, listed, api), api);
  return { kind: "listed", body, outcome };
}

function joinOutcomes(before: CallOutcome | undefined, next: CallOutcome): CallOutcome {
  if (before === undefined) return next;
  return {
    ...next,
    spans: before.spans + next.spans,
    spanCount: before.spanCount + next.spanCount,
    lastEndMs: Math.max(before.lastEndMs, next.lastEndMs),
    providerMs: before.providerMs + next.providerMs,
    attempts: before.attempts + next.attempts,
  };
}

/** The configured list, for which providers may have to be asked. */
export async function listModels({
  call,
  task,
  deps,
}: {
  call: ServerCall;
  task: CallTask;
  deps: CallDeps;
}): Promise<Response> {
  const taskFor = (name: string): CallTask => {
    const provider = deps.config.providers.find((candidate) => candidate.name === name);
    if (provider === undefined) throw new Error(`no provider ${name}`);
    const search = provider.api === "anthropic" ? "?limit=1000" : "";
    return {
      ...task,
      method: "GET",
      provider: name,
      path: upstreamPath(provider, call.route.path + search),
    };
  };
  try {
    const answer = await answerModels(call, taskFor, deps);
    const failure = answer.kind === "failed" ? answer : undefined;
    const response =
      answer.kind === "failed"
        ? errorResponse(answer, { api: call.route.api, traceId: call.traceId })
        : new Response(replyBody(answer.body), {
            headers: { "content-type": "application/json", "x-trace-id": call.traceId },
          });
    const { status } = response;
    await commit(deps, sealCall(call, { status, failure, outcome: answer.outcome }));
    deps.report({ call, status, outcome: answer.outcome, failure, refused: false }, deps.clock());
    return response;
  } catch (error) {
    return refuse(call, error, deps);
  } finally {
    deps.openCalls.release(call, task.provider);
  }
}
