// Tests the raw server the scripted provider and the receiver stand on: order, pipelining, leaving.

import { describe, expect, test } from "bun:test";
import {
  startRawHttpServer,
  type RawHttpServer,
  type RawReply,
} from "../../../src/demo/raw-http-server.ts";
import { plainResponse } from "../../../src/demo/raw-response.ts";
import { waitFor } from "../../support/wait-for.ts";

function echoPath(): RawHttpServer {
  return startRawHttpServer({
    answer(request, reply) {
      reply.write(plainResponse(200, {}, request.path));
      reply.end();
    },
  });
}

async function connect(port: number): Promise<{
  write: (text: string) => void;
  text: () => string;
  closed: () => boolean;
  end: () => void;
}> {
  let text = "";
  let closed = false;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, bytes) => {
        text += bytes.toString();
      },
      close: () => {
        closed = true;
      },
    },
  });
  return {
    write: (bytes) => void socket.write(bytes),
    text: () => text,
    closed: () => closed,
    end: () => socket.end(),
  };
}

describe("startRawHttpServer", () => {
  test("answers pipelined requests in order on one connection", async () => {
    const server = echoPath();
    const client = await connect(server.port);
    client.write(["/a", "/b", "/c"].map((path) => `GET ${path} HTTP/1.1\r\n\r\n`).join(""));
    await waitFor(() => client.text().endsWith("/c"), 2000);
    expect(client.text().match(/\/[abc]/g)).toEqual(["/a", "/b", "/c"]);
    expect(server.openConnections()).toBe(1);
    server.stop();
    await waitFor(() => client.closed(), 2000);
  });

  test("takes a request that comes byte by byte", async () => {
    const server = echoPath();
    const client = await connect(server.port);
    for (const byte of "GET /slow HTTP/1.1\r\n\r\n") {
      client.write(byte);
      await Bun.sleep(0);
    }
    await waitFor(() => client.text().endsWith("/slow"), 2000);
    server.stop();
  });

  test("a second request waits until the first is answered", async () => {
    const replies: RawReply[] = [];
    const server = startRawHttpServer({ answer: (_, reply) => void replies.push(reply) });
    const client = await connect(server.port);
    client.write("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
    await waitFor(() => replies.length === 1, 2000);
    replies[0]?.write(plainResponse(200, {}, "one"));
    expect(replies).toHaveLength(1);
    replies[0]?.end();
    await waitFor(() => replies.length === 2, 2000);
    server.stop();
  });

  test("tells of a client that leaves before the end, and not of one that leaves after", async () => {
    let left = 0;
    const server = startRawHttpServer({
      answer(request, reply) {
        reply.onGone(() => {
          left += 1;
        });
        if (request.path === "/answered") {
          reply.write(plainResponse(200, {}, "ok"));
          reply.end();
        }
      },
    });
    const answered = await connect(server.port);
    answered.write("GET /answered HTTP/1.1\r\n\r\n");
    await waitFor(() => answered.text().endsWith("ok"), 2000);
    answered.end();
    const leaving = await connect(server.port);
    leaving.write("GET /open HTTP/1.1\r\n\r\n");
    await waitFor(() => server.openConnections() === 1, 2000);
    await Bun.sleep(5);
    leaving.end();
    await waitFor(() => left > 0, 2000);
    expect(left).toBe(1);
    server.stop();
  });

  test("keeps what the socket does not take at once, and closes only after it", async () => {
    const size = 20_000_000;
    const server = startRawHttpServer({
      answer(_, reply) {
        reply.write(plainResponse(200, {}, "x".repeat(size)));
        reply.close();
      },
    });
    const client = await connect(server.port);
    client.write("GET / HTTP/1.1\r\n\r\n");
    await waitFor(() => client.closed(), 10_000);
    expect(client.text().length).toBeGreaterThan(size);
    server.stop();
  });

  test("answers 400 to what is no HTTP", async () => {
    const server = echoPath();
    const client = await connect(server.port);
    client.write("hello\r\n\r\n");
    await waitFor(() => client.closed(), 2000);
    expect(client.text()).toStartWith("HTTP/1.1 400");
    server.stop();
  });
});
