// Fuzz: the provider's side, on bare sockets. It reads whole requests and answers each as its number says.

import { parseRawRequest } from "../../src/demo/raw-request.ts";
import { fuzzReply } from "./fuzz-replies.ts";

export interface FuzzProvider {
  readonly port: number;
  readonly requests: () => number;
  readonly stop: () => void;
}

/** `onRequest` is told of every request that says its number. */
export function startFuzzProvider(
  seed: number,
  onRequest: (index: number, body: Uint8Array) => void,
): FuzzProvider {
  let requests = 0;
  const listener = Bun.listen<{ received: Buffer }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { received: Buffer.alloc(0) };
        socket.setNoDelay(true);
      },
      data(socket, chunk) {
        socket.data.received = Buffer.concat([socket.data.received, chunk]);
        const parsed = parseRawRequest(socket.data.received);
        if (parsed.kind === "incomplete") return;
        if (parsed.kind === "malformed") {
          socket.terminate();
          return;
        }
        socket.data.received = Buffer.from(socket.data.received.subarray(parsed.consumed));
        requests++;
        const { request } = parsed;
        const number = Number.parseInt(request.header("x-fuzz") ?? "", 10);
        if (!Number.isNaN(number)) onRequest(number, request.body);
        const reply = fuzzReply(seed, Number.isNaN(number) ? requests : number, request.path);
        // Replies are a few kilobytes: they fit the socket's buffer, so nothing is left to send.
        for (const piece of reply.pieces) socket.write(piece);
        if (reply.after === "close") socket.end();
        if (reply.after === "reset") socket.terminate();
      },
      error(socket) {
        socket.terminate();
      },
    },
  });
  return { port: listener.port, requests: () => requests, stop: () => listener.stop(true) };
}
