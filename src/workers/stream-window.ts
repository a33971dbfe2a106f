// The credit of one stream: how many bytes of parts may be under way to its client. A slow client spends
// it, the worker stops reading, and so the provider is slowed in turn. Belongs to one call.

export interface StreamWindow {
  /** Resolves at once while there is credit, else when some has come or the window is closed. */
  readonly ready: () => Promise<void> | undefined;
  readonly spend: (bytes: number) => void;
  readonly credit: (bytes: number) => void;
  /** Lets a waiter go: the call is being ended. */
  readonly close: () => void;
}

export function createStreamWindow(sizeBytes: number): StreamWindow {
  let leftBytes = sizeBytes;
  let closed = false;
  let wake: (() => void) | undefined;
  function release(): void {
    wake?.();
    wake = undefined;
  }
  return {
    ready() {
      if (leftBytes > 0 || closed) return undefined;
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
    spend(bytes) {
      leftBytes -= bytes;
    },
    credit(bytes) {
      leftBytes += bytes;
      if (leftBytes > 0) release();
    },
    close() {
      closed = true;
      release();
    },
  };
}
