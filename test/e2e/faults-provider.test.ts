// Providers that misbehave in ways that the span tree's own tests do not commit: each has the right error for the
// client and the right tree, and leaves no socket and no memory behind, however often it happens.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Script } from "../../src/demo/provider-script.ts";
import { apiBody, readApiReply, routes } from "../support/api-calls.ts";
import type { ApiReply, ApiRoute } from "../support/api-calls.ts";
import { quietAccount } from "../support/gateway-metrics.ts";
import { hasProcessResources, openDescriptors, residentMiB } from "../support/process-resources.ts";
import { assertWholeTrace, type CallTree } from "../support/trace-assertions.ts";
import { newCallerSpan } from "../support/trace-context.ts";
import { startTracedGateway, type TracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

// Processes and threads start in these tests, on machines with other things to do.
setDefaultTimeout(30_000);

const isLong = process.env["EVERYSPAN_LONG"] === "1";
const plainText = { "content-type": "text/plain" };

let traced: TracedGateway;
beforeAll(async () => {
  traced = await startTracedGateway({
    config: ({ url }) => ({
      providers: {
        openai: { api: "openai", base_url: `${url}/v1`, timeout: "400ms", retries: 0 },
        anthropic: { api: "anthropic", base_url: url, timeout: "400ms", retries: 0 },
      },
    }),
  });
});
afterAll(async () => {
  await traced?.stop();
});

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly said: ApiReply;
  readonly tree: () => Promise<CallTree>;
}

async function call(route: ApiRoute, stream: boolean, script: Script): Promise<Answered> {
  const caller = newCallerSpan();
  const reply = await fetch(traced.gateway.url + route, {
    method: "POST",
    headers: { "content-type": "application/json", ...caller.headers },
    body: apiBody({ route, stream, script }),
  });
  const body = await reply.text();
  return {
    status: reply.status,
    body,
    said: readApiReply(route, body),
    tree: async () =>
      assertWholeTrace(await traced.trace(caller.traceId), {
        caller,
        route,
        chat: true,
        attempts: 1,
      }),
  };
}

interface Fault {
  readonly name: string;
  readonly script: Script;
  /** What the client and the trace are told, by whether a stream was asked for. */
  readonly plain?: readonly [status: number, errorType: string];
  readonly stream?: readonly [status: number, errorType: string];
}

const faults: readonly Fault[] = [
  {
    name: "resets the connection in the middle",
    script: { chunks: 10, chunkDelayMs: 10, cutAfterChunks: 3, cutBy: "reset" },
    plain: [502, "provider_cut"],
    stream: [200, "provider_cut"],
  },
  {
    name: "resets the connection before a byte",
    script: { cutBeforeHeaders: true, cutBy: "reset" },
    plain: [502, "provider_unreachable"],
    stream: [502, "provider_unreachable"],
  },
  {
    name: "says gzip and sends none",
    script: { headers: { "content-encoding": "gzip" }, body: "this was never compressed" },
    plain: [502, "provider_cut"],
  },
  {
    name: "says gzip in a stream and sends none",
    script: {
      headers: { "content-encoding": "gzip", "content-type": "text/event-stream" },
      body: "data: this was never compressed\n\n",
    },
    stream: [200, "provider_cut"],
  },
  {
    name: "answers with a web page",
    script: { headers: { "content-type": "text/html" }, body: "<html>Welcome</html>" },
    plain: [502, "provider_invalid"],
    stream: [502, "provider_invalid"],
  },
  {
    name: "answers with events under another content type",
    script: { headers: plainText, body: "data: {}\n\ndata: [DONE]\n\n" },
    plain: [502, "provider_invalid"],
    stream: [502, "provider_invalid"],
  },
  {
    name: "answers with JSON that breaks off",
    script: { headers: { "content-type": "application/json" }, body: `{"id":"x","choices":[` },
    plain: [502, "provider_invalid"],
    stream: [502, "provider_invalid"],
  },
  {
    name: "answers 200 with an empty body",
    script: { headers: { "content-type": "application/json" }, body: "" },
    plain: [502, "provider_invalid"],
    stream: [502, "provider_invalid"],
  },
  {
    name: "answers 200 with an empty stream",
    script: { headers: { "content-type": "text/event-stream" }, body: "" },
    plain: [200, "provider_cut"],
    stream: [200, "provider_cut"],
  },
  {
    name: "promises more than it sends",
    script: { contentLength: 100_000 },
    plain: [502, "provider_cut"],
  },
  {
    name: "never answers",
    script: { hang: "before-headers" },
    plain: [504, "provider_timeout"],
    stream: [504, "provider_timeout"],
  },
  {
    name: "falls silent between chunks",
    script: { hang: "between-chunks" },
    plain: [504, "provider_timeout"],
    stream: [200, "provider_timeout"],
  },
];

describe("a provider that", () => {
  for (const { name, script, ...told } of faults) {
    test(name, async () => {
      for (const route of routes) {
        for (const kind of ["plain", "stream"] as const) {
          const expected = told[kind];
          if (expected === undefined) continue;
          const [status, errorType] = expected;
          const answered = await call(route, kind === "stream", script);
          const where = `${route} ${kind}`;
          expect([where, answered.status]).toEqual([where, status]);
          expect(answered.said.errorType).toBeString();
          expect(answered.said.ended).toBe(false);
          const { root, chat, attempts } = await answered.tree();
          expect([where, chat?.attributes["error.type"]]).toEqual([where, errorType]);
          expect(chat?.statusCode).toBe(2);
          expect(attempts[0]?.statusCode).toBe(2);
          expect(root.statusCode).toBe(2);
          expect(root.attributes["http.response.status_code"]).toBe(status);
        }
      }
    });
  }

  test("answers 200 with an error in its body: passed on as it came, and said by the spans", async () => {
    for (const route of routes) {
      const error = { type: "overloaded_error", message: "try later" };
      const body = JSON.stringify({ type: "error", error });
      const headers = { "content-type": "application/json" };
      const answered = await call(route, false, { headers, body });
      expect(answered.status).toBe(200);
      expect(answered.body).toBe(body);
      const { chat, attempts } = await answered.tree();
      expect(chat?.statusCode).toBe(2);
      expect(chat?.attributes["error.type"]).toBe("overloaded_error");
      expect(attempts[0]?.statusCode).toBe(2);
    }
  });

  test("does not close after a stream's end: the client has it all at once, and no error", async () => {
    for (const route of routes) {
      const startedAt = performance.now();
      const answered = await call(route, true, { hang: "after-last" });
      expect(performance.now() - startedAt).toBeLessThan(900);
      expect(answered.said).toMatchObject({ ended: true, errorType: undefined });
      const { chat, root } = await answered.tree();
      expect(chat?.statusCode).toBe(0);
      expect(root.statusCode).toBe(0);
    }
  });

  test("does not end a plain reply that it began: the client gets an error in time", async () => {
    for (const route of routes) {
      const answered = await call(route, false, { hang: "after-last" });
      // With a content-length the reply is whole, without one nobody can know.
      expect([200, 504]).toContain(answered.status);
      await answered.tree();
    }
  });

  test.if(hasProcessResources)(
    "misbehaves again and again leaves no socket and no memory behind",
    async () => {
      const { pid, url } = traced.gateway;
      const round = async (): Promise<void> => {
        const calls = faults.flatMap(({ script }) =>
          routes.flatMap((route) =>
            [false, true].map(async (stream) => (await call(route, stream, script)).body.length),
          ),
        );
        await Promise.all(calls);
      };
      const settle = async (): Promise<void> => {
        await quietAccount(url);
        await waitFor(() => traced.provider.openConnections() <= 64, 10_000, "sockets closed");
      };
      for (let warmUp = 0; warmUp < 3; warmUp++) await round();
      await settle();
      const before = { descriptors: openDescriptors(pid), mib: residentMiB(pid).now };
      const rounds = isLong ? 100 : 8;
      for (let n = 0; n < rounds; n++) await round();
      await settle();
      await waitFor(
        () => openDescriptors(pid) <= before.descriptors + 40,
        10_000,
        `descriptors back from ${openDescriptors(pid)} to ${before.descriptors}`,
      );
      expect(residentMiB(pid).now - before.mib).toBeLessThan(isLong ? 150 : 100);
      const account = await quietAccount(url);
      expect(account.lost).toBe(0);
      expect(account.callsInFlight).toBe(0);
    },
    isLong ? 300_000 : 60_000,
  );
});

describe("a reply of 100 MB", () => {
  const pieceBytes = 64 * 1024;
  const pieces = 1600;

  /** A provider of its own: the scripted one would hold all of it in memory. */
  function startHugeProvider(): { readonly url: string; readonly stop: () => Promise<void> } {
    const filler = "x".repeat(pieceBytes);
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      async fetch(request) {
        const { stream } = (await request.json()) as { stream?: boolean };
        let sent = -1;
        const body = new ReadableStream({
          pull(controller) {
            sent += 1;
            if (stream === true) {
              const delta = { id: "huge", choices: [{ index: 0, delta: { content: filler } }] };
              if (sent < pieces) controller.enqueue(`data: ${JSON.stringify(delta)}\n\n`);
              else controller.enqueue("data: [DONE]\n\n");
            } else if (sent === 0) {
              controller.enqueue(`{"id":"huge","choices":[{"message":{"content":"`);
            } else {
              controller.enqueue(sent < pieces ? filler : `"}}]}`);
            }
            if (sent >= pieces) controller.close();
          },
        });
        const type = stream === true ? "text/event-stream" : "application/json";
        return new Response(body, { headers: { "content-type": type } });
      },
    });
    return { url: `http://127.0.0.1:${server.port}/v1`, stop: () => server.stop(true) };
  }

  test.if(hasProcessResources).each([false, true])(
    "flows through, stream: %p, without being held in memory",
    async (stream) => {
      const provider = startHugeProvider();
      const own = await startTracedGateway({
        config: () => ({ providers: { openai: { api: "openai", base_url: provider.url } } }),
      });
      try {
        const caller = newCallerSpan();
        const reply = await fetch(`${own.gateway.url}/v1/chat/completions`, {
          method: "POST",
          headers: { "content-type": "application/json", ...caller.headers },
          body: apiBody({ route: "/v1/chat/completions", stream }),
        });
        let sizeBytes = 0;
        let last = "";
        for await (const bytes of reply.body as unknown as AsyncIterable<Uint8Array>) {
          sizeBytes += bytes.length;
          last = Buffer.from(bytes.subarray(-20)).toString();
          // A client that takes its time: what it has not taken waits at the provider.
          if (sizeBytes % 7 === 0) await Bun.sleep(0);
        }
        expect(reply.status).toBe(200);
        expect(sizeBytes).toBeGreaterThan(pieceBytes * (pieces - 1));
        expect(last).toEndWith(stream ? "data: [DONE]\n\n" : `"}}]}`);
        expect(residentMiB(own.gateway.pid).peak).toBeLessThan(stream ? 350 : 500);
        const spans = await own.trace(caller.traceId);
        const route = "/v1/chat/completions";
        const { chat } = assertWholeTrace(spans, { caller, route, chat: true, attempts: 1 });
        expect(chat?.statusCode).toBe(0);
      } finally {
        await own.stop();
        await provider.stop();
      }
    },
    60_000,
  );
});
