// Sizes as people write them, to bytes and back. Pure; runs anywhere.

const unitBytes: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** `32MiB`, `2GiB`, `1MB`, `512B`, in any case, to whole bytes; undefined when it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)\s?([kmgt]?i?b)$/i.exec(text.trim());
  const unit = unitBytes[match?.[2]?.toLowerCase() ?? ""];
  if (!match || unit === undefined) return undefined;
  const sizeBytes = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(sizeBytes) ? sizeBytes : undefined;
}

/** The shortest writing that `parseSize` reads back as the same number. */
export function formatSize(sizeBytes: number): string {
  for (const unit of ["TiB", "GiB", "MiB", "KiB", "TB", "GB", "MB", "kB"]) {
    const count = sizeBytes / (unitBytes[unit.toLowerCase()] ?? 1);
    if (count >= 1 && Number.isInteger(count)) return `${count}${unit}`;
  }
  return `${sizeBytes}B`;
}
