// Tests: random numbers that come again with their seed, so that a failure can be looked at twice.

export interface RandomSource {
  readonly seed: number;
  /** From 0 up to 1. */
  readonly next: () => number;
  /** A whole number from `from` to `to`, both included. */
  readonly between: (from: number, to: number) => number;
  readonly pick: <T>(choices: readonly T[]) => T;
}

/** mulberry32; the seed comes from EVERYSPAN_SEED, or is drawn. */
export function createRandomSource(seed: number = seedFromEnvironment()): RandomSource {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    seed,
    next,
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    pick(choices) {
      const choice = choices[Math.floor(next() * choices.length)];
      if (choice === undefined) throw new Error("nothing to pick from");
      return choice;
    },
  };
}

function seedFromEnvironment(): number {
  const given = Number(process.env["EVERYSPAN_SEED"] ?? Number.NaN);
  return Number.isFinite(given) ? given : crypto.getRandomValues(new Uint32Array(1))[0]!;
}
