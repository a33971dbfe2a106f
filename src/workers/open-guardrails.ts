// Opens a call's guardrails: the names in its task, made ready by the thread, tied to the call's spans and to
// its way to be ended. Worker threads.

import type { GuardrailChoice } from "../protocol/call-task.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { CallState, WorkerDeps } from "./call-state.ts";
import { createCallGuardrails } from "./call-guardrails.ts";
import type { CallGuardrails } from "./call-guardrails.ts";

export function openGuardrails(state: CallState, deps: WorkerDeps): CallGuardrails {
  const { task, spans, cancellation, facts } = state;
  const { captureContent, contentLimitChars } = deps.config.tracing;
  const choices = JSON.parse(task.guardrails) as GuardrailChoice[];
  return createCallGuardrails({
    api: task.route === "chat_completions" ? "openai" : "anthropic",
    chosen: choices.map(({ name, extra }) => {
      const ready = deps.guardrails.get(name);
      if (ready === undefined) throw new GatewayError("internal", `no guardrail ${name}`);
      return { ready, extra };
    }),
    call: {
      route: routePaths[task.route] ?? task.path,
      model: facts?.model ?? "",
      call: task.call,
      traceId: task.traceparent.split("-")[1] ?? "",
      headers: Object.entries(JSON.parse(task.headers) as Record<string, string>),
      endUser: task.userId,
      keyName: task.keyName,
    },
    startSpan: state.startSpan,
    endSpan: (span) => spans.end(span),
    failSpan: (span, errorType, message) => spans.fail(span, errorType, message),
    nowMs: deps.clock,
    contentChars: captureContent ? contentLimitChars : 0,
    cancel: cancellation.cancel,
    cancelCode: cancellation.code,
    onCancel: (listener) => cancellation.onCancel(listener),
  });
}

const routePaths: Readonly<Partial<Record<string, string>>> = {
  chat_completions: "/v1/chat/completions",
  messages: "/v1/messages",
  count_tokens: "/v1/messages/count_tokens",
};
