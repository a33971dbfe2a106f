// The Unix socket that a killed process leaves behind: a file on which nobody listens, and which keeps the next one
// from listening. Main thread.

import { lstatSync, rmSync } from "node:fs";

/** Takes the socket at `path` away if nobody is there. Whatever else stands there is left as it is. */
export async function removeStaleSocket(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  try {
    const connection = await Bun.connect({ unix: path, socket: { data() {} } });
    connection.end();
  } catch (error) {
    const isDead = error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
    if (isDead) rmSync(path, { force: true });
  }
}
