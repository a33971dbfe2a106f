// Jittered exponential back-off. Pure; randomness comes in.

export const backOffFirstMs = 250;
export const backOffCapMs = 30_000;

/**
 * The wait before try `failures + 1`: doubles from 250 ms, at most 30 s, between half and all of it.
 * A destination's Retry-After is a floor: never sooner, up to an hour.
 */
export function backOffMs(
  failures: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number {
  const full = Math.min(backOffCapMs, backOffFirstMs * 2 ** Math.min(failures, 20));
  const jittered = full * (0.5 + random() / 2);
  return Math.max(jittered, Math.min(retryAfterMs ?? 0, askedCapMs));
}

/** What a destination may ask for. A timer takes 24 days at most, and then fires at once. */
const askedCapMs = 3_600_000;

/** The wait before a paused destination is probed again: doubles from 1 s, at most 60 s, jittered. */
export function probeDelayMs(probes: number, random: () => number): number {
  return Math.min(60_000, 1000 * 2 ** Math.min(probes, 20)) * (0.5 + random() / 2);
}
