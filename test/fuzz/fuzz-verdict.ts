// Fuzz: what must hold of every answer, whatever was asked. Pure.

import { readFrame } from "../../src/apischema/sse-frames.ts";
import { maskingGuardrail } from "./fuzz-guardrails.ts";
import { replyCanary } from "./fuzz-replies.ts";
import { promptCanary } from "./fuzz-requests.ts";
import type { FuzzRequest } from "./fuzz-requests.ts";
import type { Outcome } from "./raw-exchange.ts";

/** What is wrong with an answer, or undefined. */
export function findFault(request: FuzzRequest, outcome: Outcome): string | undefined {
  if (outcome.kind === "late") {
    const mayBeIncomplete = ["framing", "damaged-all", "noise", "headers"].includes(request.kind);
    return mayBeIncomplete ? undefined : "no answer in time";
  }
  if (outcome.kind === "closed") {
    const mayClose = request.leaves || request.spoils || request.kind === "path";
    return mayClose ? undefined : "closed without an answer";
  }
  const { status, headers, body, surplus } = outcome;
  if (surplus > 0 && !request.spoils) return `${surplus} bytes more than the answer`;
  if (body.includes(promptCanary)) return "the prompt came back";
  if (!(status >= 200 && status <= 599)) return `status ${status}`;
  const isOurs = headers["x-trace-id"] !== undefined;
  if (!isOurs)
    return isRefusalOfBun(status) && request.expects !== "served" ? undefined : untraced(outcome);
  if (!/^[0-9a-f]{32}$/.test(headers["x-trace-id"] ?? "")) return "x-trace-id is no trace id";
  if (body.includes('"code":"internal"')) return "an internal error";
  if (isMasked(request) && status < 300 && isToldInJson(body, replyCanary)) {
    return "a reply that was to be masked came as it was";
  }
  if (request.expects === "refused" && (status < 400 || status > 499))
    return `not refused: ${status}`;
  if (request.expects !== "served" && status >= 400 && status <= 499 && !request.isHead) {
    return isErrorBody(body) ? undefined : `a ${status} in no API's shape`;
  }
  return undefined;
}

/** Whether what is checked goes by as it was meant: a damaged request may name other guardrails, or none. */
export function isMasked({ kind, guardrails }: FuzzRequest): boolean {
  return kind === "ordinary" && guardrails.includes(maskingGuardrail);
}

/** Whether a client reads a text: in a field that is none, or in broken JSON, nobody does. */
function isToldInJson(body: string, told: string): boolean {
  if (!body.includes(told)) return false;
  const documents = [body, ...body.split(/\r?\n\r?\n/).map((raw) => readFrame(raw).data ?? "")];
  return documents.some((json) => {
    if (!json.includes(told)) return false;
    try {
      JSON.parse(json);
      return true;
    } catch {
      return false;
    }
  });
}

/** Bun refuses what is not HTTP before any of our code sees it, without a body. */
function isRefusalOfBun(status: number): boolean {
  return status === 400 || status === 413 || status === 431 || status === 505;
}

function untraced({ status, body }: Extract<Outcome, { kind: "reply" }>): string | undefined {
  // Health and metrics routes are not traced.
  const isOwnRoute =
    status === 200 && (body === "ok\n" || body === "" || /^(?:\{"status"|# )/.test(body));
  return isOwnRoute ? undefined : `a ${status} without x-trace-id`;
}

/** A provider's own 4xx passes as it came, damaged or not: only ours must have a shape. */
function isErrorBody(body: string): boolean {
  // A provider may answer 400 with a stream, which then ends as streams do.
  if (/^(?:event|data|id|:)/m.test(body)) return true;
  try {
    const { error } = JSON.parse(body) as { error?: { message?: unknown } };
    return error === undefined || typeof error.message === "string";
  } catch {
    return !body.includes('"code":');
  }
}
