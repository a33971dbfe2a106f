// Asks one guardrail once, within its time. Worker threads. Whatever the guardrail does, an answer comes:
// it may throw, hang, or ignore its signal.

import type { GuardrailInput, Verdict } from "./guardrails/guardrail.ts";
import type { ReadyGuardrail } from "./guardrail-table.ts";

export type Judgement =
  | Exclude<Verdict, { action: "failed" }>
  | {
      readonly action: "failed";
      readonly cause: "unreachable" | "timeout" | "error";
      readonly message: string;
    }
  /** The call ended before the guardrail had answered. */
  | { readonly action: "cancelled" };

/** Never rejects. `cancelled` ends the waiting; it is the call's own signal. */
export async function judge(
  guardrail: ReadyGuardrail,
  input: GuardrailInput,
  cancelled: AbortSignal,
): Promise<Judgement> {
  if (cancelled.aborted) return { action: "cancelled" };
  const { timeoutMs } = guardrail.config;
  const controller = new AbortController();
  let giveUp = (): void => undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const interrupted = new Promise<Judgement>((resolve) => {
    timer = setTimeout(() => {
      resolve({
        action: "failed",
        cause: "timeout",
        message: `no answer within ${timeoutMs} ms`,
      });
      controller.abort();
    }, timeoutMs);
    giveUp = () => {
      resolve({ action: "cancelled" });
      controller.abort();
    };
    cancelled.addEventListener("abort", giveUp, { once: true });
  });
  try {
    return await Promise.race([ask(guardrail, input, controller.signal), interrupted]);
  } finally {
    clearTimeout(timer);
    cancelled.removeEventListener("abort", giveUp);
  }
}

async function ask(
  { check }: ReadyGuardrail,
  input: GuardrailInput,
  signal: AbortSignal,
): Promise<Judgement> {
  try {
    return await check(input, { signal });
  } catch (error) {
    if (!signal.aborted) console.error("everyspan: a guardrail broke:", error);
    return { action: "failed", cause: "error", message: "it broke" };
  }
}
