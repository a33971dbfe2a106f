// What a call's end means for its row: the text, the label, or what went wrong. Pure.

import { parseLooseObject } from "../apischema/loose-json.ts";
import { replyBodyText } from "../protocol/call-task.ts";
import { readAnswer } from "./answer-shape.ts";
import { replyText } from "./prompt-request.ts";
import { baseOutcome, type Ended, type RowOutcome, type RowState } from "./row-state.ts";

export function readOutcome(state: RowState, result: Ended, nowMs: number): RowOutcome {
  const base = baseOutcome(state, nowMs);
  if (result.kind === "failed") {
    return { ...base, error: result.code, message: result.message };
  }
  const body = parseLooseObject(replyBodyText(result));
  const answered = { ...base, status: result.status, requestId: requestId(result.headers), body };
  if (result.status >= 400) {
    return { ...answered, error: String(result.status), message: providerMessage(body) };
  }
  if (state.plan.customId !== "") return answered;
  const { text, problem } = replyText(state.plan.api, body ?? {});
  const { shape } = state.plan;
  if (problem !== "") return { ...answered, text, error: "no_text", message: problem };
  if (shape === undefined) return { ...answered, text };
  const answer = readAnswer(shape, text);
  if (answer.ok) return { ...answered, text, label: answer.label };
  return { ...answered, text, error: "invalid_answer", message: answer.problem };
}

function requestId(headers: string): string {
  if (!headers.includes("request-id")) return "";
  const values = JSON.parse(headers) as Readonly<Record<string, string>>;
  return values["x-request-id"] ?? values["request-id"] ?? "";
}

/** Both APIs say it at `error.message`. */
function providerMessage(body: RowOutcome["body"]): string {
  const error = body?.["error"] as { readonly message?: unknown } | null | undefined;
  return typeof error?.message === "string" ? error.message.slice(0, 500) : "";
}
