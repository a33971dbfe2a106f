// What a call's end is told to metrics and to the log. Plain data, nothing of the caller's words in it.

import type { WireError } from "../errors/gateway-error.ts";
import type { CallOutcome } from "../protocol/call-task.ts";
import type { ServerCall } from "./server-call.ts";

export interface CallReport {
  readonly call: ServerCall;
  /** What the client was sent; undefined when it left before that. */
  readonly status: number | undefined;
  readonly outcome: CallOutcome | undefined;
  readonly failure: WireError | undefined;
  /** Answered before any worker had it. */
  readonly refused: boolean;
}

export type OutcomeLabel =
  | "ok"
  | "provider_error"
  | "failed"
  | "blocked"
  | "client_disconnected"
  | "refused";

/** The label `outcome` of `everyspan_calls_total`. */
export function outcomeLabel({ failure, outcome, refused, status }: CallReport): OutcomeLabel {
  if (refused) return "refused";
  if (failure?.code === "client_disconnected") return "client_disconnected";
  if (failure?.code === "guardrail_blocked") return "blocked";
  if (failure !== undefined) return "failed";
  if ((outcome?.errorType ?? "") !== "" || (status ?? 0) >= 400) return "provider_error";
  return "ok";
}
