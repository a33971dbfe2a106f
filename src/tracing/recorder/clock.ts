// The one clock of everyspan. `hrtime` and `Bun.nanoseconds` have an origin per thread; this sum agrees
// between threads to within microseconds.

/** Milliseconds since the epoch, with fraction. */
export type Clock = () => number;

export const systemClock: Clock = () => performance.timeOrigin + performance.now();
