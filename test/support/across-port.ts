// Tests: sends a value through a message port, as threads do.

import { MessageChannel } from "node:worker_threads";

export function acrossPort(value: unknown): Promise<unknown> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port2.on("message", (received) => {
      port1.close();
      resolve(received);
    });
    port1.postMessage(value);
  });
}
