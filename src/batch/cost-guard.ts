// Keeps a run below a sum of money, main thread: what is in flight is counted at the mean of what is known, so that
// the sum is not passed by what is on its way.

export interface CostGuard {
  /** Whether another row may be sent; waits for rows in flight where they decide it. */
  readonly allows: () => boolean | Promise<boolean>;
  readonly sent: () => void;
  readonly settled: (cost: number) => void;
}

/** Before a row has shown what it costs, only so many are tried. */
const firstRowsMax = 4;

/** `expected`: what a row is thought to cost, until one has shown it. All in USD. */
export function createCostGuard(
  maxCost: number | undefined,
  spentBefore: number,
  expected = 0,
): CostGuard {
  let spent = 0;
  let settledRows = 0;
  let inFlight = 0;
  let dearest = 0;
  let wake: (() => void) | undefined;

  const isWithin = (limit: number): boolean => {
    if (settledRows === 0) {
      const isAffordable = spentBefore + (inFlight + 1) * expected <= limit;
      return inFlight < firstRowsMax && spentBefore < limit && isAffordable;
    }
    const mean = Math.max(spent / settledRows, dearest / 2);
    return spentBefore + spent + (inFlight + 1) * mean <= limit;
  };

  const waitFor = async (limit: number): Promise<boolean> => {
    while (!isWithin(limit)) {
      if (inFlight === 0) return false;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return true;
  };

  return {
    allows: () => maxCost === undefined || isWithin(maxCost) || waitFor(maxCost),
    sent() {
      inFlight += 1;
    },
    settled(cost) {
      inFlight -= 1;
      settledRows += 1;
      spent += cost;
      dearest = Math.max(dearest, cost);
      wake?.();
      wake = undefined;
    },
  };
}
