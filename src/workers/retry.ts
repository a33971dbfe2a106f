// When an attempt is made again, and after how long. Pure: no clock, no timers.

/** 408, 429 and every 5xx (529 is Anthropic's overload); nothing else says "again". */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status <= 599);
}

/**
 * `Retry-After` (RFC 9110 §10.2.3: seconds or a date) or `retry-after-ms`, in ms; undefined where there
 * is none that can be read.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const exact = Number(headers.get("retry-after-ms") ?? Number.NaN);
  if (Number.isFinite(exact) && exact >= 0) return exact;
  const value = headers.get("retry-after")?.trim();
  if (value === undefined || value === "") return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : undefined;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

const firstDelayMs = 250;
const delayMsMax = 8_000;

/** Exponential back-off with full jitter over its upper half, so that a herd spreads out. */
export function backoffMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(delayMsMax, firstDelayMs * 2 ** attempt);
  return ceiling / 2 + (random() * ceiling) / 2;
}
