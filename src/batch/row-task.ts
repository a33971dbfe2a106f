// A row's call as a task for a worker. Pure.

import type { Config } from "../config/schema.ts";
import type { CallTask } from "../protocol/call-task.ts";
import { upstreamPath } from "../server/intake.ts";
import { resolveModel } from "../server/resolve-model.ts";
import { selectGuardrails } from "../server/select-guardrails.ts";
import { formatTraceparent } from "../tracing/recorder/propagation.ts";
import type { RowState } from "./row-state.ts";

export function taskOf(state: RowState, body: string, config: Config): CallTask {
  const { trace, plan } = state;
  const isOpenAI = plan.api === "openai";
  const route = isOpenAI ? "chat_completions" : "messages";
  const { provider, providerModel } = resolveModel(config, plan.api, plan.facts.model);
  const guardrails = selectGuardrails(config, { route, header: null, field: undefined });
  return {
    call: trace.call,
    route,
    method: "POST",
    path: upstreamPath(provider, isOpenAI ? "/chat/completions" : "/messages"),
    provider: provider.name,
    headers: isOpenAI ? openaiHeaders : anthropicHeaders,
    keyHeader: isOpenAI ? "authorization" : "x-api-key",
    body,
    bytes: undefined,
    facts: plan.factsJson,
    providerModel,
    guardrails: guardrails.length === 0 ? "" : JSON.stringify(guardrails),
    traceparent: formatTraceparent(trace.context),
    tracestate: trace.context.traceState,
    anchorMs: trace.root.startMs,
    sessionId: "",
    userId: plan.facts.user?.slice(0, 256) ?? "",
    attributes: JSON.stringify(trace.common),
    isPaced: true,
  };
}

const openaiHeaders = JSON.stringify({ "content-type": "application/json" });
const anthropicHeaders = JSON.stringify({
  "content-type": "application/json",
  "anthropic-version": "2023-06-01",
});
