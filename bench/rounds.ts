// Bench: interleaved rounds and what is said of them. Medians with the smallest and the largest, because a
// shared machine makes means of whatever else ran.

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1
      ? (sorted[middle] ?? Number.NaN)
      : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** Until what runs often has been compiled, in each of the four threads of a gateway. */
export const warmUpMs = 8000;

/** Runs a, b, c, a, b, c, … and gives each one's results in order. `before` warms each up once. */
export async function interleave<Name extends string, Result>(
  rounds: number,
  subjects: Readonly<Record<Name, () => Promise<Result>>>,
  warmUp?: Readonly<Partial<Record<Name, () => Promise<unknown>>>>,
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(subjects) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, [] as Result[]])) as Record<
    Name,
    Result[]
  >;
  for (const name of names) await warmUp?.[name]?.();
  for (let round = 0; round < rounds; round++) {
    for (const name of names) results[name].push(await subjects[name]());
  }
  return results;
}

/** The quotients round by round: what both met in the same seconds is compared. */
export function ratios(over: readonly number[], under: readonly number[]): Spread {
  return spreadOf(over.map((value, index) => value / (under[index] ?? Number.NaN)));
}

/** `0.31 (0.29–0.33)`, or with thousands `15.2k (14.9k–15.6k)`. */
export function showSpread({ median, min, max }: Spread, digits = 2): string {
  return `${show(median, digits)} (${show(min, digits)}–${show(max, digits)})`;
}

export function show(value: number, digits = 2): string {
  if (Number.isNaN(value)) return "not measured";
  if (Math.abs(value) >= 10_000) return `${(value / 1000).toFixed(1)}k`;
  if (Math.abs(value) >= 1000) return value.toFixed(0);
  return value.toFixed(digits);
}
