// Rows whose thread died with them, of which one killed it, main thread: sent again one at a time, for together they
// would all be lost again with that one.

import type { RowState } from "./row-state.ts";

export interface RowSuspects {
  /** `send` is called when it is the row's turn. */
  readonly add: (send: () => void) => void;
  /** A row is settled, or lost again. Others than suspects change nothing. */
  readonly over: (row: Pick<RowState, "lostThreads">) => void;
}

export function createRowSuspects(): RowSuspects {
  const waiting: (() => void)[] = [];
  let isUnderWay = false;
  const next = (): void => {
    const send = isUnderWay ? undefined : waiting.shift();
    if (send === undefined) return;
    isUnderWay = true;
    send();
  };
  return {
    add(send) {
      waiting.push(send);
      next();
    },
    over({ lostThreads }) {
      if (lostThreads === 0) return;
      isUnderWay = false;
      next();
    },
  };
}
