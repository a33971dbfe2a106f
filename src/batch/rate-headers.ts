// What a reply's headers say of the provider's limits: OpenAI's `x-ratelimit-*`, Anthropic's
// `anthropic-ratelimit-*`. Pure.

export interface RateHint {
  readonly callsPerSecond: number | undefined;
  readonly tokensPerSecond: number | undefined;
  /** Nothing is left; this long until a call may be sent. 0: there is something left. */
  readonly emptyForMs: number;
}

/** Of what a limit allows: others may use the same key. */
const share = 0.98;

/** Both count by the minute. `headers`: JSON of a record, names in lower case. */
export function rateHint(headers: string, nowMs: number): RateHint | undefined {
  // Most replies say nothing that changes anything: they are not even parsed.
  const isTelling = headers.includes("ratelimit-") && /-limit|"0"/.test(headers);
  if (!isTelling) return undefined;
  const values = JSON.parse(headers) as Readonly<Record<string, string>>;
  const first = (...names: readonly string[]): string | undefined =>
    names.map((name) => values[name]).find((value) => value !== undefined);
  const calls = amount(first("x-ratelimit-limit-requests", "anthropic-ratelimit-requests-limit"));
  const tokens = amount(first("x-ratelimit-limit-tokens", "anthropic-ratelimit-tokens-limit"));
  const left = amount(
    first("x-ratelimit-remaining-requests", "anthropic-ratelimit-requests-remaining"),
  );
  const reset = first("x-ratelimit-reset-requests", "anthropic-ratelimit-requests-reset");
  const callsPerSecond = perSecond(calls);
  // Both say when all of the limit is there again; room for one call is there long before.
  const oneCallMs = callsPerSecond === undefined ? Infinity : 1000 / callsPerSecond;
  const emptyForMs =
    left === 0 && reset !== undefined ? Math.min(oneCallMs, resetMs(reset, nowMs)) : 0;
  if (calls === undefined && tokens === undefined && emptyForMs === 0) return undefined;
  return { callsPerSecond, tokensPerSecond: perSecond(tokens), emptyForMs };
}

/** `6m0s`, `1.5s`, `12ms` (OpenAI), or a date (Anthropic); 0 where it is neither. At most a minute. */
export function resetMs(text: string, nowMs: number): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  let sum = 0;
  if (/^(?:[\d.]+(?:ms|s|m|h))+$/.test(text)) {
    for (const [, number = "", unit = ""] of text.matchAll(/([\d.]+)(ms|s|m|h)/g)) {
      sum += Number(number) * (units[unit] ?? 0);
    }
  } else {
    const date = Date.parse(text);
    if (!Number.isNaN(date)) sum = date - nowMs;
  }
  return Math.min(60_000, Math.max(0, sum));
}

function amount(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const number = Number(text);
  return Number.isFinite(number) && number >= 0 ? number : undefined;
}

function perSecond(perMinute: number | undefined): number | undefined {
  if (perMinute === undefined || perMinute === 0) return undefined;
  // One at least: a fraction that is next to nothing would be a wait for ever.
  return (Math.max(1, perMinute) * share) / 60;
}
