// Tests: deadlines in real time, looked at every millisecond for as long as anything else is going on.

import { createDeadlines } from "../../src/workers/deadlines.ts";
import type { Deadlines } from "../../src/workers/deadlines.ts";

export function realDeadlines(): Deadlines {
  const deadlines = createDeadlines(() => performance.now());
  setInterval(deadlines.look, 1).unref();
  return deadlines;
}
