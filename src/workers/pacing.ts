// One call's turn to repeat a refused attempt, where somebody else decides when: a batch, whose calls share one
// limit. Belongs to the call, on its worker thread. A cancelled call waits no longer.

import type { RefusedAttempt, WorkerMessage } from "../protocol/call-task.ts";
import type { Cancellation } from "./attempts.ts";

export interface Pacing {
  /** Says that an attempt was refused; resolves when the next may be made. */
  readonly waitTurn: (refused: RefusedAttempt) => Promise<void>;
  readonly resume: () => void;
}

export function createPacing(
  call: string,
  post: (message: WorkerMessage) => void,
  cancellation: Cancellation,
): Pacing {
  let go: (() => void) | undefined;
  return {
    waitTurn(refused) {
      return new Promise((resolve) => {
        go = resolve;
        cancellation.onCancel(() => resolve());
        post({ kind: "refused", call, ...refused });
      });
    },
    resume() {
      go?.();
      go = undefined;
    },
  };
}
