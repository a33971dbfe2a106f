// Which rows a run takes: all, the first so many, or a seeded random choice. Pure.

/** Whether a row, by its number from 1, is taken. */
export type RowChoice = (number: number) => boolean;

export interface Sample {
  readonly rows: number;
  /** Undefined: the first ones. */
  readonly seed: number | undefined;
}

export function chooseRows(total: number, sample: Sample | undefined): RowChoice {
  if (sample === undefined || sample.rows >= total) return () => true;
  if (sample.seed === undefined) return (number) => number <= sample.rows;
  const chosen = randomNumbers(total, sample.rows, randomOf(sample.seed));
  return (number) => chosen.has(number);
}

/** Robert Floyd's: `count` different numbers from 1 to `total`, each set as likely. */
function randomNumbers(total: number, count: number, random: () => number): ReadonlySet<number> {
  const chosen = new Set<number>();
  for (let top = total - count + 1; top <= total; top++) {
    const drawn = 1 + Math.floor(random() * top);
    chosen.add(chosen.has(drawn) ? top : drawn);
  }
  return chosen;
}

/** mulberry32: the same seed chooses the same rows on every machine. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
