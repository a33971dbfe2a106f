// One call's way to be ended from outside: by its client, by a shutdown. Belongs to the call.

import type { ErrorCode } from "../errors/gateway-error.ts";
import type { Cancellation } from "./attempts.ts";

export interface CancellationSource extends Cancellation {
  /** The first code stays; later ones change nothing. */
  readonly cancel: (code: ErrorCode) => void;
}

export function createCancellation(): CancellationSource {
  let code: ErrorCode | undefined;
  const listeners = new Set<(code: ErrorCode) => void>();
  return {
    code: () => code,
    onCancel(listener) {
      if (code === undefined) listeners.add(listener);
      else listener(code);
    },
    cancel(reason) {
      if (code !== undefined) return;
      code = reason;
      for (const listener of listeners) listener(reason);
      listeners.clear();
    },
  };
}
