import { afterAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { createStreamSink, type StreamSink } from "../../../src/server/stream-response.ts";
import { waitFor } from "../../support/wait-for.ts";

const lump = 64 * 1024;
const nothing = (): void => undefined;

// How a socket takes what is written is what this is about, so there is one.
let next: StreamSink = createStreamSink(nothing);
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: () => new Response(next.stream),
});
afterAll(() => server.stop(true));

interface Client {
  readonly socket: Socket;
  /** Bytes of the head, of chunk sizes and all: whatever came. */
  readonly received: () => Buffer;
  readonly closed: () => boolean;
}

async function clientOf(sink: StreamSink): Promise<Client> {
  next = sink;
  let received: Buffer = Buffer.alloc(0);
  let isClosed = false;
  const socket = connect(server.port ?? 0, "127.0.0.1");
  socket.on("data", (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
  });
  socket.on("error", nothing);
  socket.on("close", () => {
    isClosed = true;
  });
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  // Bun sends the rest of the head with the first part.
  await waitFor(() => received.includes("HTTP/1.1 200"), 5000, "the head");
  return { socket, received: () => received, closed: () => isClosed };
}

test("bytes come out as they went in, and the stream closes after the last of them", async () => {
  const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
  const sink = createStreamSink(nothing);
  sink.write("a\xff", nothing);
  sink.write("b", nothing);
  next = sink;
  const reply = await fetch(server.url);
  sink.write(all, nothing);
  sink.end("\xe9c");
  expect(Buffer.from(await reply.bytes()).toString("latin1")).toBe(`a\xffb${all}\xe9c`);
});

test("all of it may be there before the client is", async () => {
  const sink = createStreamSink(nothing);
  sink.write("a", nothing);
  sink.end("b");
  next = sink;
  expect(await (await fetch(server.url)).text()).toBe("ab");
});

test("a part leaves at once, before the next and before the end", async () => {
  const sink = createStreamSink(nothing);
  const { socket, received } = await clientOf(sink);
  for (const part of ["first", "second", "third"]) {
    sink.write(part, nothing);
    await waitFor(() => received().includes(part), 5000, part);
  }
  sink.end("last");
  await waitFor(() => received().includes("last\r\n0\r\n\r\n"), 5000, "the end");
  socket.destroy();
});

test("credit comes back only as the client takes, and all of it does", async () => {
  const sink = createStreamSink(nothing);
  let [creditBytes, writtenBytes] = [0, 0];
  const give = (bytes: number): void => void (creditBytes += bytes);
  const { socket, received } = await clientOf(sink);
  socket.pause();
  // What the system's buffers have room for counts as taken.
  while (creditBytes === writtenBytes && writtenBytes < 1024 * lump) {
    sink.write("x".repeat(lump), give);
    writtenBytes += lump;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const roomBytes = creditBytes;
  expect(roomBytes).toBeLessThan(writtenBytes);
  for (let at = 0; at < 16; at++) sink.write("x".repeat(lump), give);
  writtenBytes += 16 * lump;
  await new Promise((resolve) => setImmediate(resolve));
  expect(creditBytes).toBe(roomBytes);
  socket.resume();
  await waitFor(() => creditBytes === writtenBytes, 5000, "all credit");
  sink.write("y".repeat(lump), give);
  expect(creditBytes).toBe(writtenBytes + lump);
  sink.end("the end");
  await waitFor(() => received().includes("the end\r\n0\r\n\r\n"), 10_000, "the end");
  expect(received().length).toBeGreaterThan(writtenBytes);
  socket.destroy();
});

test("what is written before the client is there gives its credit when it has come", async () => {
  const sink = createStreamSink(nothing);
  let creditBytes = 0;
  for (let at = 0; at < 3; at++) sink.write("x".repeat(lump), (bytes) => (creditBytes += bytes));
  expect(creditBytes).toBe(0);
  const { socket } = await clientOf(sink);
  await waitFor(() => creditBytes === 3 * lump, 5000, "all credit");
  socket.destroy();
});

test("a client that leaves is told of once; what is written after goes nowhere", async () => {
  let left = 0;
  const sink = createStreamSink(() => void (left += 1));
  const { socket } = await clientOf(sink);
  sink.write("x", nothing);
  socket.destroy();
  await waitFor(() => left > 0, 5000, "its leaving");
  sink.write("x", nothing);
  sink.end("y");
  expect({ left, gone: sink.gone() }).toEqual({ left: 1, gone: true });
});

test("a client that leaves while it takes nothing is told of as well", async () => {
  let left = 0;
  const sink = createStreamSink(() => void (left += 1));
  const { socket } = await clientOf(sink);
  socket.pause();
  for (let at = 0; at < 256; at++) sink.write("x".repeat(lump), nothing);
  socket.destroy();
  await waitFor(() => left > 0, 5000, "its leaving");
  expect({ left, gone: sink.gone() }).toEqual({ left: 1, gone: true });
});

test("a client that leaves after the end is nobody's affair", async () => {
  let left = 0;
  const sink = createStreamSink(() => void (left += 1));
  const { socket, received } = await clientOf(sink);
  sink.end("z");
  await waitFor(() => received().includes("\r\n\r\nz"), 5000, "the end");
  socket.destroy();
  await waitFor(() => server.pendingRequests === 0, 5000, "the connection's end");
  expect({ left, gone: sink.gone() }).toEqual({ left: 0, gone: false });
});

test("nothing follows the end", async () => {
  const sink = createStreamSink(nothing);
  sink.end("z");
  sink.write("more", nothing);
  sink.end("again");
  sink.breakOff();
  next = sink;
  expect(await (await fetch(server.url)).text()).toBe("z");
  expect(sink.gone()).toBe(false);
});

test("what breaks off does not look whole, and nothing follows it", async () => {
  const sink = createStreamSink(nothing);
  const { closed, received } = await clientOf(sink);
  sink.write("half", nothing);
  await waitFor(() => received().includes("half"), 5000, "what there is");
  sink.breakOff();
  sink.write("more", nothing);
  sink.end("the end");
  await waitFor(closed, 5000, "the connection's end");
  expect(received().toString()).toEndWith("half\r\n");
  const early = createStreamSink(nothing);
  early.write("half", nothing);
  early.breakOff();
  next = early;
  // On a connection of its own: on one kept from before, fetch would try again.
  const read = async (): Promise<string> => (await fetch(server.url, { keepalive: false })).text();
  expect(await read().catch(() => "broken")).toBe("broken");
});
