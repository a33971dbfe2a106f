// A wait that can be cut short, for one waiter. A cut that comes while nobody waits is remembered.

export interface InterruptibleWait {
  /** Resolves after `timeoutMs` (Infinity: never by itself), or as soon as it is cut. */
  wait(timeoutMs: number): Promise<void>;
  cut(): void;
  /** Forgets a cut that nobody has waited for. */
  reset(): void;
}

export function createInterruptibleWait(): InterruptibleWait {
  let wasCut = false;
  let resume: (() => void) | undefined;
  return {
    async wait(timeoutMs) {
      if (wasCut) {
        wasCut = false;
        return;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      resume = resolve;
      const timer = timeoutMs === Infinity ? undefined : setTimeout(resolve, timeoutMs);
      await promise;
      clearTimeout(timer);
      resume = undefined;
    },
    cut() {
      if (resume === undefined) wasCut = true;
      else resume();
    },
    reset() {
      wasCut = false;
    },
  };
}
