// Whether a provider's error says that the account has nothing left to spend: then no waiting helps. Pure, any thread.

/**
 * OpenAI says so under 429, the status of its rate limits, and under 400; Anthropic in the words of a 400; others
 * by 402. `body`: the reply's, parsed.
 */
export function isOutOfCredit(status: number, body: unknown): boolean {
  if (status === 402) return true;
  if (status !== 429 && status !== 400) return false;
  const error = (body as { readonly error?: unknown } | null)?.error;
  const { code, type, message } = (error ?? {}) as Readonly<Record<string, unknown>>;
  if (codes.has(code) || codes.has(type)) return true;
  return (
    status === 400 && typeof message === "string" && /credit balance is too low/i.test(message)
  );
}

const codes: ReadonlySet<unknown> = new Set([
  "insufficient_quota",
  "billing_not_active",
  "billing_hard_limit_reached",
]);
