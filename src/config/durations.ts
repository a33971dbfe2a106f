// Durations as people write them, to milliseconds and back. Pure; runs anywhere.

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof unitMs;

/** The longest time a timer can be set to: beyond it the runtime fires at once. */
export const timerMaxMs = 2_147_483_647;

/** `500ms`, `30s`, `1.5m`, `24h`, `7d`, to whole milliseconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)\s?(ms|s|m|h|d)$/.exec(text.trim());
  if (!match) return undefined;
  const durationMs = Math.round(Number(match[1]) * unitMs[match[2] as Unit]);
  return Number.isSafeInteger(durationMs) ? durationMs : undefined;
}

/** The shortest writing that `parseDuration` reads back as the same number. */
export function formatDuration(durationMs: number): string {
  for (const unit of ["d", "h", "m", "s"] as const) {
    // A day is only said from two days on: people write 24h.
    const least = unit === "d" ? 2 : 1;
    const count = durationMs / unitMs[unit];
    if (count >= least && Number.isInteger(count)) return `${count}${unit}`;
  }
  return `${durationMs}ms`;
}
