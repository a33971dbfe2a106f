import { afterEach, describe, expect, test } from "bun:test";

import { chatRequest, quantile, runLoad } from "../../../bench/load-client.ts";
import { startRawHttpServer } from "../../../src/demo/raw-http-server.ts";
import type { RawHttpServer, RawReply } from "../../../src/demo/raw-http-server.ts";

let server: RawHttpServer | undefined;
afterEach(() => server?.stop());

/** Answers the n-th request with the n-th reply, the last one from then on, in pieces. */
function answering(...replies: readonly (readonly string[])[]): number {
  let nth = 0;
  server = startRawHttpServer({
    answer(_, reply) {
      void send(reply, replies[Math.min(nth++, replies.length - 1)] ?? []);
    },
  });
  return server.port;
}

async function send(reply: RawReply, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    reply.write(piece);
    await reply.flushed();
    // Apart on the wire, so that the pieces are received apart, too.
    await Bun.sleep(1);
  }
  reply.end();
}

const request = chatRequest({ model: "plain" });
const ok = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

describe("the load generator", () => {
  test("makes as many calls as it was told, over as many connections", async () => {
    const result = await runLoad({ port: answering([ok]), connections: 4, calls: 40, request });
    expect(result).toMatchObject({ calls: 40, failed: 0, statuses: { 200: 40 } });
    expect(result.bytes).toBe(40 * ok.length);
    expect(result.latenciesMs.length).toBe(40);
  });

  test("finds the end of a reply wherever it is cut, with a length and in chunks", async () => {
    const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    const letters = ok.split("");
    const cuts = [chunked.split(""), letters, [chunked], [ok.slice(0, 30), ok.slice(30)]];
    const load = { port: answering(...cuts), connections: 1, calls: 4, request };
    expect(await runLoad(load)).toMatchObject({ calls: 4, failed: 0 });
  });

  test("counts what is not 200 as failed, and what was turned away with retry-after apart", async () => {
    const port = answering(
      ["HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"],
      ["HTTP/1.1 500 Oops\r\ncontent-length: 2\r\n\r\nno"],
      [ok],
    );
    const result = await runLoad({ port, connections: 1, calls: 3, request });
    expect(result).toMatchObject({ calls: 3, failed: 2, turnedAway: 1 });
    expect(result.latenciesMs.length).toBe(1);
  });

  test("counts a reply that breaks off as failed and comes to an end all the same", async () => {
    server = startRawHttpServer({
      answer(_, reply) {
        reply.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe");
        reply.close();
      },
    });
    const result = await runLoad({ port: server.port, connections: 2, calls: 2, request });
    expect(result).toMatchObject({ calls: 2, failed: 2 });
  });

  test("rejects when nothing listens", async () => {
    const port = answering([ok]);
    server?.stop();
    const refused = await runLoad({ port, connections: 1, calls: 1, request }).catch(String);
    expect(refused).toContain("nothing listens");
  });
});

test("a quantile of sorted values", () => {
  const sorted = Float64Array.from([1, 2, 3, 4]);
  expect([0, 0.5, 0.99, 1].map((share) => quantile(sorted, share))).toEqual([1, 3, 4, 4]);
});
