// The body that goes to the provider: the caller's own bytes, but for what must change. Pure.

import { spliceJson } from "../apischema/json-splice.ts";
import type { JsonEdit } from "../apischema/json-edit.ts";
import type { RequestFacts } from "../apischema/request-facts.ts";
import type { ProviderConfig } from "../config/schema.ts";
import type { CallTask } from "../protocol/call-task.ts";

/**
 * The edits, all in one place: the model's name at the provider, usage asked for on OpenAI streams, and
 * the field `guardrails`, which is for us and unknown to providers.
 */
export function upstreamBody(
  task: Pick<CallTask, "body" | "providerModel">,
  provider: ProviderConfig,
  facts: RequestFacts | undefined,
): string {
  const edits: JsonEdit[] = [];
  if (task.providerModel !== "") edits.push({ path: ["model"], value: task.providerModel });
  if (facts?.hasGuardrails === true) edits.push({ path: ["guardrails"], remove: true });
  if (facts !== undefined && addsStreamUsage(provider, facts)) {
    edits.push(
      facts.hasStreamOptions
        ? { path: ["stream_options", "include_usage"], value: true }
        : { path: ["stream_options"], value: { include_usage: true } },
    );
  }
  return edits.length === 0 ? task.body : spliceJson(task.body, edits);
}

/** Whether usage is asked for on the caller's behalf: what comes of it is then hidden from the caller. */
export function addsStreamUsage(provider: ProviderConfig, facts: RequestFacts): boolean {
  return provider.api === "openai" && provider.streamUsage && facts.stream && !facts.includeUsage;
}
