// A row's call as a task for a worker. What is the same for all rows of a model is worked out once.

import type { ApiFormat, Config } from "../config/schema.ts";
import type { CallTask } from "../protocol/call-task.ts";
import { upstreamPath } from "../server/intake.ts";
import { resolveModel } from "../server/resolve-model.ts";
import { selectGuardrails } from "../server/select-guardrails.ts";
import { formatTraceparent } from "../tracing/recorder/propagation.ts";
import { rowAttributes, rowContext, type RowsOrigin } from "../tracing/recorder/row-opening.ts";
import type { RowState } from "./row-state.ts";

/** @throws GatewayError when nobody serves the row's model */
export type TaskMaker = (state: RowState, body: string) => CallTask;

type Common = Pick<
  CallTask,
  "route" | "path" | "provider" | "headers" | "keyHeader" | "providerModel" | "guardrails"
>;

/** Model names come from the input: what is remembered of them is bounded. */
const knownModelsMax = 1000;

export function createTaskMaker(config: Config, origin: RowsOrigin): TaskMaker {
  const known = new Map<string, Common>();

  const commonOf = (api: ApiFormat, model: string): Common => {
    const key = `${api} ${model}`;
    let common = known.get(key);
    if (common === undefined) {
      common = commonTask(config, api, model);
      if (known.size >= knownModelsMax) known.clear();
      known.set(key, common);
    }
    return common;
  };

  return ({ opening, plan, spanCount }, body) => {
    const common = commonOf(plan.api, plan.facts.model);
    const context = rowContext(origin, opening);
    return {
      call: opening.call,
      route: common.route,
      method: "POST",
      path: common.path,
      provider: common.provider,
      headers: common.headers,
      keyName: "",
      keyHeader: common.keyHeader,
      body,
      bytes: undefined,
      facts: plan.factsJson,
      providerModel: common.providerModel,
      guardrails: common.guardrails,
      traceparent: formatTraceparent(context),
      tracestate: context.traceState,
      anchorMs: opening.startMs,
      sessionId: "",
      userId: plan.facts.user?.slice(0, 256) ?? "",
      attributes: JSON.stringify(rowAttributes(origin, opening.row)),
      // Those that the ledger knows the row's first call by.
      spanIds: spanCount === 0 ? opening.chatSpanId + opening.attemptSpanId : "",
      isPaced: true,
    };
  };
}

function commonTask(config: Config, api: ApiFormat, model: string): Common {
  const isOpenAI = api === "openai";
  const route = isOpenAI ? "chat_completions" : "messages";
  const { provider, providerModel } = resolveModel(config, api, model);
  const guardrails = selectGuardrails(config, { route, header: null, field: undefined });
  return {
    route,
    path: upstreamPath(provider, isOpenAI ? "/chat/completions" : "/messages"),
    provider: provider.name,
    headers: isOpenAI ? openaiHeaders : anthropicHeaders,
    keyHeader: isOpenAI ? "authorization" : "x-api-key",
    providerModel,
    guardrails: guardrails.length === 0 ? "" : JSON.stringify(guardrails),
  };
}

const openaiHeaders = JSON.stringify({ "content-type": "application/json" });
const anthropicHeaders = JSON.stringify({
  "content-type": "application/json",
  "anthropic-version": "2023-06-01",
});
