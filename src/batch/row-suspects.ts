// Rows whose thread died with them, of which one killed it, main thread: sent again one at a time, for together they
// would all be lost again with that one.

export interface RowSuspects {
  /** `send` is called when it is the turn of the row with that number. */
  readonly add: (row: number, send: () => void) => void;
  /** A row is settled, or lost again; to be told more than once, and of others than suspects, changes nothing. */
  readonly over: (row: number) => void;
}

export function createRowSuspects(): RowSuspects {
  const waiting: { readonly row: number; readonly send: () => void }[] = [];
  let underWay: number | undefined;
  const next = (): void => {
    const suspect = underWay === undefined ? waiting.shift() : undefined;
    if (suspect === undefined) return;
    underWay = suspect.row;
    suspect.send();
  };
  return {
    add(row, send) {
      waiting.push({ row, send });
      next();
    },
    over(row) {
      if (row !== underWay) return;
      underWay = undefined;
      next();
    },
  };
}
