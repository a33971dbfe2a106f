// Rubbish from behind: what a provider, a guardrail's server or a destination answers is not trusted
// either. It must cost no memory, look like no success, and leave no connection behind.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { gzipSync } from "node:zlib";
import type { Socket } from "bun";
import { apiBody } from "../support/api-calls.ts";
import { quietAccount } from "../support/gateway-metrics.ts";
import { hasProcessResources, openDescriptors, residentMiB } from "../support/process-resources.ts";
import { startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import { startTracedGateway, type TracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(30_000);

const mebibyte = 1024 * 1024;
const bombMiB = 384;
/** What a reply may cost at its height: our bounds are 32 and 64 MiB, kept once or twice over. */
const costMiBMax = 300;
/** A few hundred kilobytes that are hundreds of megabytes once decompressed. */
const bomb = gzipSync(Buffer.alloc(bombMiB * mebibyte, 32), { level: 9 });
const json = "content-type: application/json";
const binary = "content-type: audio/mpeg";
const someBytes = "x".repeat(20_000);
const someChunk = `4e20\r\n${someBytes}\r\n`;

/** What is answered, by the word after `case-` in the path or body. */
const answers: Readonly<Record<string, (socket: Socket<Peer>) => void>> = {
  bomb: say(head(json, "content-encoding: gzip", `content-length: ${bomb.length}`), bomb),
  endless: endlessly(head(json), "x".repeat(65_536)),
  early: cutAfter(head(binary, "content-length: 100000"), someBytes),
  late: cutAfter(head(binary, "content-length: 100000"), someBytes, someBytes),
  twice: sayAll(json, '{"choices":[{"index":0,"message":{"content":"w","content":"x"}}]}'),
  deep: sayAll(json, `{"choices":${"[".repeat(50_000)}"w"${"]".repeat(50_000)}}`),
  twiceStreamed: sayEvent('{"choices":[{"delta":{"content":"w","content":"x"}}]}'),
  deepStreamed: sayEvent(`{"choices":${"[".repeat(5000)}"w"${"]".repeat(5000)}}`),
  chunked: cutAfter(head(binary, "transfer-encoding: chunked"), someChunk, someChunk),
};

interface Peer {
  received: string;
  pump: (() => void) | undefined;
}

function head(...lines: readonly string[]): string {
  return ["HTTP/1.1 200 OK", ...lines, "", ""].join("\r\n");
}

function say(...pieces: readonly (string | Uint8Array)[]): (socket: Socket<Peer>) => void {
  const bytes = Buffer.concat(pieces.map((piece) => Buffer.from(piece as string)));
  return (socket) => {
    let rest: Buffer = bytes;
    socket.data.pump = () => {
      rest = rest.subarray(Math.max(0, socket.write(rest)));
      if (rest.length === 0) socket.end();
    };
    socket.data.pump();
  };
}

function sayAll(type: string, body: string): (socket: Socket<Peer>) => void {
  return say(head(type, `content-length: ${body.length}`), body);
}

function sayEvent(data: string): (socket: Socket<Peer>) => void {
  return sayAll("content-type: text/event-stream", `data: ${data}\n\ndata: [DONE]\n\n`);
}

/** The pieces one by one, so that each comes as a chunk of its own, and then a reset. */
function cutAfter(start: string, ...pieces: readonly string[]): (socket: Socket<Peer>) => void {
  return (socket) => {
    socket.write(start);
    for (const [at, piece] of pieces.entries()) setTimeout(() => socket.write(piece), 50 * at);
    setTimeout(() => socket.terminate(), 50 * pieces.length);
  };
}

/** Goes on as long as anybody reads. */
function endlessly(start: string, piece: string): (socket: Socket<Peer>) => void {
  const bytes = Buffer.from(piece);
  return (socket) => {
    socket.write(start);
    let rest: Buffer = bytes;
    socket.data.pump = () => {
      for (;;) {
        const sent = socket.write(rest);
        if (sent < rest.length) {
          rest = rest.subarray(Math.max(0, sent));
          return;
        }
        rest = bytes;
      }
    };
    socket.data.pump();
  };
}

function startRubbish() {
  const open = new Set<Socket<Peer>>();
  const listener = Bun.listen<Peer>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { received: "", pump: undefined };
        open.add(socket);
      },
      data(socket, bytes) {
        const peer = socket.data;
        peer.received += bytes.toString("latin1");
        const named = /case-(\w+)/.exec(peer.received)?.[1];
        const answer = named === undefined ? undefined : answers[named];
        if (answer === undefined) return;
        peer.received = "";
        answer(socket);
      },
      drain: (socket) => socket.data.pump?.(),
      close: (socket) => void open.delete(socket),
      error: (socket) => void open.delete(socket),
    },
  });
  const url = `http://127.0.0.1:${listener.port}`;
  return { url, open: () => open.size, stop: () => listener.stop(true) };
}

/** How much more memory the process took at its height than before. */
async function costMiB(pid: number, run: () => Promise<unknown>): Promise<number> {
  const before = residentMiB(pid).peak;
  await run();
  return residentMiB(pid).peak - before;
}

function post(gateway: GatewayProcess, model: string): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: apiBody({ route: "/v1/chat/completions", model }),
  });
}

/** Reads a body and keeps none of it. */
async function drained(response: Response): Promise<number> {
  let sizeBytes = 0;
  const body = response.body as ReadableStream<Uint8Array> | null;
  for await (const chunk of body ?? []) sizeBytes += chunk.length;
  return sizeBytes;
}

describe("a provider", () => {
  let rubbish: ReturnType<typeof startRubbish>;
  let traced: TracedGateway;
  beforeAll(async () => {
    rubbish = startRubbish();
    traced = await startTracedGateway({
      config: () => ({
        providers: {
          openai: { api: "openai", base_url: `${rubbish.url}/v1`, api_key: "k", retries: 0 },
        },
      }),
    });
  });
  afterAll(async () => {
    await traced?.stop();
    rubbish?.stop();
  });

  test.skipIf(!hasProcessResources)(
    "that compresses hundreds of megabytes into few costs no memory",
    async () => {
      const cost = await costMiB(traced.gateway.pid, async () => {
        const reply = await post(traced.gateway, "case-bomb");
        expect(reply.status).toBe(200);
        expect(await drained(reply)).toBe(bombMiB * mebibyte);
      });
      expect(cost).toBeLessThan(costMiBMax);
    },
  );

  // Bytes have no error event: a file that broke off must not look like a whole one.
  test.each(["late", "chunked"])("that breaks off a file (%s): so does the reply", async (name) => {
    const reply = await file(name);
    expect(reply.status).toBe(200);
    expect(reply.headers.get("content-type")).toBe("audio/mpeg");
    expect(reply.text()).rejects.toThrow();
    const spans = await traced.trace(reply.headers.get("x-trace-id") ?? "");
    const root = spans.find(({ kind }) => kind === 2);
    expect(root?.attributes["error.type"]).toBe("provider_cut");
  });

  test("that breaks off a file of which nothing has left yet is an error in the API's shape", async () => {
    const reply = await file("early");
    expect(reply.status).toBe(502);
    expect(await reply.text()).toContain('"provider_cut"');
  });

  function file(name: string): Promise<Response> {
    return fetch(`${traced.gateway.url}/v1/files/case-${name}/content`);
  }
});

describe("behind a guardrail", () => {
  let rubbish: ReturnType<typeof startRubbish>;
  let gateway: GatewayProcess;
  beforeAll(async () => {
    rubbish = startRubbish();
    gateway = await startGatewayProcess({
      config: {
        providers: {
          openai: { api: "openai", base_url: `${rubbish.url}/v1`, api_key: "k", retries: 0 },
        },
        guardrails: [
          {
            name: "words",
            type: "pattern",
            modes: ["post_call"],
            patterns: [{ name: "w", regex: "w" }],
            action: "mask",
          },
          { name: "asked", type: "generic_api", url: rubbish.url, modes: ["pre_call"] },
        ],
      },
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    rubbish?.stop();
  });

  async function refusedBy(guardrail: string, name: string) {
    const route = "/v1/chat/completions";
    const reply = await fetch(gateway.url + route, {
      method: "POST",
      headers: { "content-type": "application/json", "x-everyspan-guardrails": guardrail },
      body: apiBody({ route, model: `case-${name}` }),
    });
    return { status: reply.status, said: await reply.text() };
  }

  test.skipIf(!hasProcessResources)(
    "a reply without end is refused once it is too large to check, and read no further",
    async () => {
      const before = openDescriptors(gateway.pid);
      const replies = 3;
      const cost = await costMiB(gateway.pid, async () => {
        for (let times = 0; times < replies; times++) {
          const { status, said } = await refusedBy("words", "endless");
          expect(status).toBe(503);
          expect(said).toContain("too large to be checked");
        }
      });
      // What the first two took may not have been given back yet.
      expect(cost).toBeLessThan(replies * costMiBMax);
      await waitFor(() => rubbish.open() === 0, 5000, "the provider's connections closed");
      await waitFor(() => openDescriptors(gateway.pid) <= before + 2, 5000, "no descriptor left");
    },
  );

  // Parsers differ in which of two equal keys they take: what was checked may not be what is read.
  test.each(["twice", "deep", "twiceStreamed", "deepStreamed"])(
    "a reply that cannot be read in one way (%s) is none, and its texts go nowhere",
    async (name) => {
      const { status, said } = await refusedBy("words", name);
      expect(status).toBe(502);
      expect(JSON.parse(said)).toMatchObject({ error: { code: "provider_invalid" } });
      expect((await quietAccount(gateway.url)).open).toBe(0);
    },
  );

  test.skipIf(!hasProcessResources).each(["endless", "bomb"])(
    "a guardrail's server with an answer of any size (%s) has failed, and costs no memory",
    async (name) => {
      const cost = await costMiB(gateway.pid, async () => {
        const { status, said } = await refusedBy("asked", name);
        expect(status).toBe(503);
        expect(said).toContain("answer is too large");
      });
      expect(cost).toBeLessThan(costMiBMax);
      await quietAccount(gateway.url);
    },
  );
});
