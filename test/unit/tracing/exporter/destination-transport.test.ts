import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { DestinationConfig } from "../../../../src/config/schema.ts";
import { createTransport } from "../../../../src/tracing/exporter/destination-transport.ts";
import type { ExportOutcome } from "../../../../src/tracing/exporter/otlp-response.ts";
import { makeCertificates, type Certificates } from "../../../support/certificates.ts";
import { testDestination } from "../../../support/exporter-harness.ts";

interface Received {
  readonly headers: Headers;
  readonly body: Uint8Array;
}

const body = Uint8Array.of(1, 2, 3);
const servers: { stop(closeActive: boolean): unknown }[] = [];
let folder: string;
let certificates: Certificates | undefined;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "everyspan-tls-"));
  certificates = makeCertificates(folder);
});
afterEach(() => {
  for (const server of servers.splice(0)) void server.stop(true);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function serve(options: { delayMs?: number; tls?: object } = {}) {
  const received: Received[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    ...(options.tls && { tls: options.tls }),
    async fetch(request) {
      received.push({ headers: request.headers, body: await request.bytes() });
      if (options.delayMs !== undefined) await Bun.sleep(options.delayMs);
      return new Response(null, { status: 200 });
    },
  });
  servers.push(server);
  const scheme = options.tls === undefined ? "http" : "https";
  return { url: `${scheme}://127.0.0.1:${server.port}/v1/traces`, received };
}

function send(url: string, changes: Partial<DestinationConfig> = {}): Promise<ExportOutcome> {
  const transport = createTransport({
    destination: testDestination("d", url, changes),
    fetch,
    nowMs: () => Date.now(),
    userAgent: "everyspan/test",
  });
  return transport(body, new AbortController().signal);
}

describe("an export request", () => {
  test("says its encoding and who sends it, with the destination's own headers", async () => {
    const { url, received } = serve();
    expect((await send(url, { headers: { "x-project-name": "p" } })).kind).toBe("accepted");
    await send(url, { protocol: "http/json", headers: { "user-agent": "mine" } });
    const [first, second] = received.map(({ headers }) => headers);
    expect(first?.get("content-type")).toBe("application/x-protobuf");
    expect(first?.get("user-agent")).toBe("everyspan/test");
    expect(first?.get("x-project-name")).toBe("p");
    expect(first?.get("content-encoding")).toBeNull();
    expect(second?.get("content-type")).toBe("application/json");
    expect(second?.get("user-agent")).toBe("mine");
  });

  test("is packed when asked to be", async () => {
    const { url, received } = serve();
    await send(url, { compression: "gzip" });
    expect(received[0]?.headers.get("content-encoding")).toBe("gzip");
    expect([...gunzipSync(received[0]?.body ?? body)]).toEqual([...body]);
  });

  test("that gets no answer in the destination's time is to be tried again", async () => {
    const { url } = serve({ delayMs: 2000 });
    const outcome = await send(url, { timeoutMs: 50 });
    expect(outcome).toMatchObject({ kind: "retry", reason: "no answer within 50 ms" });
  });
});

describe("a destination over TLS", () => {
  function secureServer(made: Certificates, wantsClient: boolean) {
    return serve({
      tls: {
        cert: Bun.file(made.serverCert),
        key: Bun.file(made.serverKey),
        ca: Bun.file(made.caFile),
        requestCert: wantsClient,
        rejectUnauthorized: wantsClient,
      },
    });
  }

  test("is trusted by the configured authority, and by no other", async () => {
    if (certificates === undefined) return console.log("no openssl here: not tested");
    const { url, received } = secureServer(certificates, false);
    expect((await send(url)).kind).toBe("retry");
    expect(received).toHaveLength(0);
    expect((await send(url, { caFile: certificates.caFile })).kind).toBe("accepted");
  });

  test("that asks who is there is shown the configured certificate", async () => {
    if (certificates === undefined) return console.log("no openssl here: not tested");
    const { caFile, clientCert: certFile, clientKey: keyFile } = certificates;
    const { url, received } = secureServer(certificates, true);
    expect((await send(url, { caFile })).kind).toBe("retry");
    expect(received).toHaveLength(0);
    expect((await send(url, { caFile, certFile, keyFile })).kind).toBe("accepted");
  });
});
