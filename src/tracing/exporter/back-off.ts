// Jittered exponential back-off. Pure; randomness comes in.

export const backOffFirstMs = 250;
export const backOffCapMs = 30_000;

/**
 * The wait before try `failures + 1`: doubles from 250 ms, at most 30 s, between half and all of it.
 * A destination's Retry-After is a floor: never sooner, however long it is.
 */
export function backOffMs(
  failures: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number {
  const full = Math.min(backOffCapMs, backOffFirstMs * 2 ** Math.min(failures, 20));
  const jittered = full * (0.5 + random() / 2);
  return Math.max(jittered, retryAfterMs ?? 0);
}
