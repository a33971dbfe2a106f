// What a call's end means for its row: the text, the label, or what went wrong. Pure.

import { isOutOfCredit } from "../apischema/out-of-credit.ts";
import { parseLooseObject } from "../apischema/loose-json.ts";
import { replyBodyText } from "../protocol/call-task.ts";
import { readAnswer } from "./answer-shape.ts";
import { replyText } from "./prompt-request.ts";
import { outcomeOf, type Ended, type RowOutcome, type RowState } from "./row-state.ts";

/** A row's error, by OpenAI's name, whichever way the provider says it. */
export const outOfCredit = "insufficient_quota";

export function readOutcome(state: RowState, result: Ended, nowMs: number): RowOutcome {
  if (result.kind === "failed") {
    return outcomeOf(state, nowMs, { error: result.code, message: result.message });
  }
  const { status, headers } = result;
  const body = parseLooseObject(replyBodyText(result));
  const { customId, api, shape } = state.plan;
  if (customId !== "" || status >= 400) {
    const answered = { status, requestId: requestId(headers), body };
    if (status < 400) return outcomeOf(state, nowMs, answered);
    const error = isOutOfCredit(status, body) ? outOfCredit : String(status);
    const said = { error, message: providerMessage(body) };
    return outcomeOf(state, nowMs, { ...answered, ...said });
  }
  const { text, problem, isCut } = replyText(api, body ?? {});
  if (problem !== "") return outcomeOf(state, nowMs, { text, error: "no_text", message: problem });
  if (shape === undefined) return outcomeOf(state, nowMs, { text });
  const answer = readAnswer(shape, text);
  if (answer.ok) return outcomeOf(state, nowMs, { text, label: answer.label });
  const message = isCut ? `${answer.problem}: cut off at its limit of tokens` : answer.problem;
  return outcomeOf(state, nowMs, { text, error: "invalid_answer", message });
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
