// The signals by which a command is asked to leave. Main thread. SIGHUP is one, since a terminal that closes must
// lose no call in flight, but where the process was started to ignore it, as by nohup.

import { readFileSync } from "node:fs";

/** `first` at the first signal, by its name; `again` at each further one that somebody means. */
export function onLeaveSignal(first: (signal: string) => void, again: () => void): void {
  let isLeaving = false;
  const hear = (signal: string): void => {
    if (!isLeaving) {
      isLeaving = true;
      first(signal);
    } else if (signal !== "SIGHUP") {
      again(); // a terminal that closes sends SIGHUP by its shell, and then by itself
    }
  };
  const signals = ["SIGTERM", "SIGINT", ...(isHangUpIgnored() ? [] : ["SIGHUP"])];
  for (const signal of signals) process.on(signal, () => hear(signal));
}

/** Linux alone tells; elsewhere a handler takes the place of what nohup did. */
function isHangUpIgnored(): boolean {
  if (process.platform !== "linux") return false;
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"));
    return (BigInt(`0x${ignored?.[1] ?? "0"}`) & 1n) === 1n; // the lowest bit is signal 1
  } catch {
    return false; // without /proc
  }
}
