// The compiled binary in an empty folder, with the tree it was built from gone.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json";
import { startOtlpReceiver, type OtlpReceiver } from "../../src/demo/otlp-receiver.ts";
import { startScriptedProvider, type ScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { assertWholeTrace } from "../support/trace-assertions.ts";
import { type BuiltBinary, buildFromCopy } from "./build-from-copy.ts";

const routes = ["/v1/chat/completions", "/v1/messages"] as const;
const shapes = routes.flatMap((route) => [
  { route, stream: false },
  { route, stream: true },
]);

let binary: BuiltBinary;
let provider: ScriptedProvider;
let receiver: OtlpReceiver;
let folder: string;
let gateway: GatewayProcess | undefined;

beforeAll(() => {
  binary = buildFromCopy();
  process.env["EVERYSPAN_BINARY"] = binary.path;
}, 120_000);

afterAll(() => {
  delete process.env["EVERYSPAN_BINARY"];
  binary.remove();
});

beforeEach(() => {
  provider = startScriptedProvider();
  receiver = startOtlpReceiver();
  folder = mkdtempSync(join(tmpdir(), "everyspan-empty-"));
});

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  provider.stop();
  receiver.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<GatewayProcess> {
  gateway = await startGatewayProcess({
    folder,
    config: {
      pool: { threads: 2 },
      providers: {
        openai: { api: "openai", base_url: `${provider.url}/v1`, api_key: "sk-test" },
        anthropic: { api: "anthropic", base_url: provider.url, api_key: "sk-test" },
      },
      tracing: { destinations: [{ name: "receiver", endpoint: receiver.url }] },
    },
  });
  return gateway;
}

/** One call, read to its last byte. */
async function call(url: string, route: string, stream: boolean): Promise<string> {
  const response = await fetch(url + route, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
    body: JSON.stringify({
      model: route === "/v1/messages" ? "claude-haiku-4-5" : "gpt-4o-mini",
      max_tokens: 64,
      stream,
      messages: [{ role: "user", content: "hello" }],
    }),
  });
  const text = await response.text();
  expect(`${response.status} ${text}`).toStartWith("200 ");
  expect(text).toContain(stream ? "data: " : '"usage"');
  return response.headers.get("x-trace-id") ?? "no x-trace-id";
}

async function traceOf(traceId: string): ReturnType<OtlpReceiver["waitForSpans"]> {
  const isWhole = (spans: Awaited<ReturnType<OtlpReceiver["waitForSpans"]>>): boolean =>
    spans.some((span) => span.traceId === traceId && span.kind === 2);
  const spans = await receiver.waitForSpans(isWhole, 10_000);
  return spans.filter((span) => span.traceId === traceId);
}

describe("the binary", () => {
  test("says its version without a file beside it", () => {
    const result = Bun.spawnSync([binary.path, "--version"], { cwd: folder });
    expect(result.stdout.toString()).toContain(packageJson.version);
    expect(result.exitCode).toBe(0);
  });

  test.each(shapes)("serves $route, stream $stream, with a whole trace", async (shape) => {
    const { url } = await start();
    const traceId = await call(url, shape.route, shape.stream);
    assertWholeTrace(await traceOf(traceId), { route: shape.route, chat: true, attempts: 1 });
  });

  test("delivers after kill -9 and a restart what it had answered before", async () => {
    receiver.setBehaviour(503);
    const { url, kill, exited } = await start();
    const traceIds: string[] = [];
    for (const { route, stream } of shapes) traceIds.push(await call(url, route, stream));
    kill("SIGKILL");
    await exited;
    expect(receiver.acceptedCount()).toBe(0);

    receiver.setBehaviour(200);
    await start();
    for (const [index, { route }] of shapes.entries()) {
      assertWholeTrace(await traceOf(traceIds[index]!), { route, chat: true, attempts: 1 });
    }
  });

  test("takes nothing from a .env or bunfig.toml in the folder it starts in", async () => {
    writeFileSync(join(folder, ".env"), "OTEL_SERVICE_NAME=from-dotenv\n");
    writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./preload.js"]\n');
    writeFileSync(join(folder, "preload.js"), 'require("fs").writeFileSync("preloaded", "");\n');
    const { url } = await start();
    const [span] = await traceOf(await call(url, "/v1/messages", false));
    expect(span?.resource["service.name"]).toBe("everyspan");
    expect(existsSync(join(folder, "preloaded"))).toBe(false);
  });
});
