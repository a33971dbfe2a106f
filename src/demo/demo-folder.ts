// A folder of the demo's own, gone with it whichever way the process ends, but for a SIGKILL. Main thread.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface DemoFolder {
  readonly path: string;
  readonly remove: () => void;
}

export function createDemoFolder(): DemoFolder {
  const path = mkdtempSync(join(tmpdir(), "everyspan-demo-"));
  const remove = (): void => {
    process.off("exit", remove);
    // A thread that still runs may make a file meanwhile.
    rmSync(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 10 });
  };
  process.on("exit", remove);
  return { path, remove };
}
