// Clients that leave at each stage, or read and send as slowly as they can: the trace says so, the provider is
// cancelled or slowed, and the gateway is left with the memory and the descriptors it had.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { apiBody, routes } from "../support/api-calls.ts";
import type { ApiCall, ApiRoute } from "../support/api-calls.ts";
import { quietAccount, scrape } from "../support/gateway-metrics.ts";
import { hasProcessResources, openDescriptors, residentMiB } from "../support/process-resources.ts";
import { createRandomSource, type RandomSource } from "../support/random-source.ts";
import { assertWholeTrace } from "../support/trace-assertions.ts";
import { newCallerSpan, type CallerSpan } from "../support/trace-context.ts";
import { startTracedGateway, type TracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

// Processes and threads start in these tests, on machines with other things to do.
setDefaultTimeout(30_000);

const isLong = process.env["EVERYSPAN_LONG"] === "1";

let traced: TracedGateway;
beforeAll(async () => {
  traced = await startTracedGateway();
});
afterAll(async () => {
  await traced?.stop();
});

interface Client {
  readonly socket: Socket;
  readonly caller: CallerSpan;
  /** Bytes of the reply so far. */
  readonly received: () => number;
  readonly closed: Promise<void>;
}

/** Connects and sends that much of the request; nothing more is sent unless the test does. */
function startClient(call: ApiCall, share = 1): Client {
  const { hostname, port } = new URL(traced.gateway.url);
  const caller = newCallerSpan();
  const body = apiBody(call);
  const text =
    `POST ${call.route} HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\n` +
    `traceparent: ${caller.headers["traceparent"]}\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const socket = connect({ host: hostname, port: Number(port) });
  const closed = Promise.withResolvers<void>();
  let received = 0;
  socket.on("data", (bytes) => {
    received += bytes.length;
  });
  socket.on("close", () => closed.resolve());
  socket.on("error", () => closed.resolve());
  socket.on("connect", () => {
    if (share > 0) socket.write(text.slice(0, Math.ceil(text.length * share)));
  });
  return { socket, caller, received: () => received, closed: closed.promise };
}

function atProvider(caller: CallerSpan) {
  return waitFor(
    () => traced.provider.requests.find(({ headers }) => isOf(headers["traceparent"], caller)),
    10_000,
    "the provider being asked",
  );
}

function isOf(traceparent: string | undefined, caller: CallerSpan): boolean {
  return traceparent?.includes(caller.traceId) ?? false;
}

describe.each(routes)("a client that leaves %s", (route) => {
  test("in the middle of its own request leaves a trace without a chat span", async () => {
    const client = startClient({ route, prompt: "x".repeat(20_000) }, 0.5);
    await Bun.sleep(50);
    client.socket.destroy();
    const spans = await traced.trace(client.caller.traceId);
    const { root } = assertWholeTrace(spans, { caller: client.caller, route, chat: false });
    expect(root.attributes["error.type"]).toBe("client_disconnected");
    expect(root.statusCode).toBe(0);
  });

  test("before the provider answers, and with the stream begun: cancelled there, traced whole", async () => {
    for (const stream of [false, true]) {
      const hang = stream ? "between-chunks" : "before-headers";
      const client = startClient({ route, stream, script: { hang } });
      const record = await atProvider(client.caller);
      if (stream) await waitFor(() => client.received() > 0, 5000, "the first part");
      client.socket.destroy();
      await waitFor(() => record.aborted, 2000, "the provider being cancelled");
      const spans = await traced.trace(client.caller.traceId);
      const expected = { caller: client.caller, route, chat: true, attempts: 1 };
      const { chat, root } = assertWholeTrace(spans, expected);
      expect(chat?.attributes["everyspan.client_disconnected"]).toBe(true);
      expect(chat?.statusCode).toBe(0);
      expect(root.attributes["error.type"]).toBe("client_disconnected");
    }
  });

  test("by closing only its sending side counts as having left", async () => {
    const client = startClient({ route, script: { delayMs: 2000 } });
    await atProvider(client.caller);
    client.socket.end();
    await client.closed;
    const spans = await traced.trace(client.caller.traceId);
    const { root } = assertWholeTrace(spans, { caller: client.caller, route, chat: true });
    expect(root.attributes["error.type"]).toBe("client_disconnected");
  });

  test("with a deadline of its own on every call at once: all traced, none left open", async () => {
    const calls = Array.from({ length: 60 }, (_, n) => {
      const stream = n % 2 === 0;
      const script = stream ? { chunks: 50, chunkDelayMs: 20 } : { delayMs: 1000 };
      return startClient({ route, stream, script });
    });
    await Promise.all(calls.map(({ caller }) => atProvider(caller)));
    for (const { socket } of calls) socket.destroy();
    for (const { caller } of calls) {
      const spans = await traced.trace(caller.traceId);
      assertWholeTrace(spans, { caller, route, chat: true, attempts: 1 });
    }
    expect((await quietAccount(traced.gateway.url)).callsInFlight).toBe(0);
  });
});

describe("a client that reads slowly", () => {
  test("slows the provider instead of filling memory, and others do not wait for it", async () => {
    const script = { chunks: 60, text: "y".repeat(16 * 1024 * 1024), chunkDelayMs: 0 };
    const before = residentMiB(traced.gateway.pid).now;
    const client = startClient({ route: "/v1/messages", stream: true, script });
    client.socket.pause();
    const record = await atProvider(client.caller);
    // Long enough for all of it, were it not held back.
    await Bun.sleep(1500);
    expect(record.ended).toBe(false);
    expect(record.sentBytes).toBeLessThan(15 * 1024 * 1024);
    expect(residentMiB(traced.gateway.pid).now - before).toBeLessThan(80);
    const beside = await fetch(`${traced.gateway.url}/v1/messages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: apiBody({ route: "/v1/messages" }),
    });
    expect(beside.status).toBe(200);
    await beside.text();
    client.socket.destroy();
    await waitFor(() => record.aborted, 5000, "the provider being cancelled");
    const spans = await traced.trace(client.caller.traceId);
    assertWholeTrace(spans, { caller: client.caller, route: "/v1/messages", chat: true });
  }, 30_000);

  test("and then reads on gets all of it", async () => {
    const text = "z".repeat(6 * 1024 * 1024);
    const script = { chunks: 100, text, chunkDelayMs: 0 };
    const client = startClient({ route: "/v1/messages", stream: true, script });
    client.socket.pause();
    await atProvider(client.caller);
    await Bun.sleep(300);
    client.socket.resume();
    const spans = await traced.trace(client.caller.traceId);
    const { chat } = assertWholeTrace(spans, {
      caller: client.caller,
      route: "/v1/messages",
      chat: true,
    });
    expect(chat?.statusCode).toBe(0);
    await waitFor(() => client.received() > text.length, 10_000, "all of the reply");
    client.socket.destroy();
  }, 30_000);
});

describe.if(isLong)("a client that sends a byte a second", () => {
  /** Sends `first`, then `each` every second; resolves with what it was answered and after how long. */
  async function drip(first: string, each: string): Promise<{ reply: string; seconds: number }> {
    const { hostname, port } = new URL(traced.gateway.url);
    const startedAt = performance.now();
    const socket = connect({ host: hostname, port: Number(port) });
    let reply = "";
    socket.on("data", (bytes) => {
      reply += bytes.toString();
    });
    socket.on("error", () => undefined);
    socket.write(first);
    const timer = setInterval(() => socket.write(each), 1000);
    await new Promise<void>((resolve) => socket.on("close", () => resolve()));
    clearInterval(timer);
    return { reply, seconds: (performance.now() - startedAt) / 1000 };
  }
  const head = "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

  test("of its headers or of its body is cut off, the latter with a 408", async () => {
    const [headers, body, chunked] = await Promise.all([
      drip(`${head}x-slow: `, "a"),
      drip(`${head}content-length: 1000\r\n\r\n{`, " "),
      drip(`${head}transfer-encoding: chunked\r\n\r\n1\r\n{\r\n`, "1\r\n \r\n"),
    ]);
    for (const { seconds } of [headers, body, chunked]) expect(seconds).toBeLessThan(45);
    for (const { reply } of [body, chunked]) expect(reply).toStartWith("HTTP/1.1 408 ");
  }, 120_000);
});

describe.if(isLong)("a connection on which nothing comes after a call", () => {
  async function secondsToClose(stream: boolean): Promise<number> {
    const client = startClient({ route: "/v1/messages", stream, script: { delayMs: 100 } });
    await waitFor(() => client.received() > 0, 10_000, "a reply");
    const answeredAt = performance.now();
    await client.closed;
    return (performance.now() - answeredAt) / 1000;
  }

  test("is closed after a minute", async () => {
    for (const seconds of await Promise.all([secondsToClose(false), secondsToClose(true)])) {
      expect(seconds).toBeGreaterThan(50);
      expect(seconds).toBeLessThan(70);
    }
  }, 90_000);
});

describe.if(hasProcessResources)("many clients that leave", () => {
  const clients = isLong ? 10_000 : 900;
  const atOnce = isLong ? 500 : 150;

  /** One client that goes away at a random stage: connected, half a request, waiting, in mid-stream. */
  async function comeAndGo(random: RandomSource): Promise<void> {
    const route: ApiRoute = random.pick(routes);
    const stream = random.next() < 0.5;
    const script = stream ? { chunks: 20, chunkDelayMs: 20 } : { delayMs: 300 };
    const share = random.pick([0, 0.2, 0.9, 1, 1, 1, 1]);
    const client = startClient({ route, stream, script }, share);
    const isPaused = random.next() < 0.2;
    if (isPaused) client.socket.pause();
    await Bun.sleep(random.between(0, 500));
    // Paused, it would never see the other side close.
    if (!isPaused && random.next() < 0.3) client.socket.end();
    else client.socket.destroy();
    await client.closed;
  }

  async function crowd(count: number, random: RandomSource): Promise<void> {
    let left = count;
    const come = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await comeAndGo(random);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, come));
  }

  test(
    `${clients} of them leave memory and descriptors where they were, and every call traced`,
    async () => {
      const random = createRandomSource();
      console.log(`seed ${random.seed}`);
      const { pid, url } = traced.gateway;
      await crowd(atOnce * 2, random);
      await quietAccount(url, 20_000);
      const before = { descriptors: openDescriptors(pid), mib: residentMiB(pid).now };
      await crowd(clients, random);
      const account = await quietAccount(url, 30_000);
      expect(account.callsInFlight).toBe(0);
      expect(account.lost).toBe(0);
      expect(account.recorded).toBe(account.committed);
      await waitFor(
        () => openDescriptors(pid) <= before.descriptors + 40,
        20_000,
        `descriptors back from ${openDescriptors(pid)} to ${before.descriptors}`,
      );
      const grown = residentMiB(pid).now - before.mib;
      console.log(
        `${clients} clients: ${grown.toFixed(0)} MiB, ${openDescriptors(pid)} descriptors`,
      );
      expect(grown).toBeLessThan(100);
      expect((await scrape(url)).workerRestarts).toBe(0);
    },
    isLong ? 600_000 : 60_000,
  );
});
