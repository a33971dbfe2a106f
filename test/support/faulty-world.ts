// Tests: a gateway to be started, stopped and started again on one folder, with the provider and receivers it talks
// to, all cleaned up by whoever made it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startScriptedProvider, type ScriptedProvider } from "../../src/demo/scripted-provider.ts";
import { apiBody, type ApiCall } from "./api-calls.ts";
import { startGatewayProcess, type GatewayProcess } from "./gateway-process.ts";
import { newCallerSpan, type CallerSpan } from "./trace-context.ts";
import { basicProviders } from "./traced-gateway.ts";

export interface FaultyWorld {
  readonly folder: string;
  readonly provider: ScriptedProvider;
  /** Starts `serve` on the folder; `tracing` and `server` are sections of the configuration. */
  readonly start: (config?: {
    readonly tracing?: Readonly<Record<string, unknown>>;
    readonly server?: Readonly<Record<string, unknown>>;
  }) => Promise<GatewayProcess>;
  /** Runs `everyspan status` beside it, or without it. */
  readonly status: (
    ...args: readonly string[]
  ) => Promise<{ readonly stdout: string; readonly stderr: string; readonly exitCode: number }>;
}

/** `cleanups` are to be run backwards when the test has ended. */
export function createFaultyWorld(cleanups: (() => unknown)[]): FaultyWorld {
  const folder = mkdtempSync(join(tmpdir(), "everyspan-faults-"));
  const provider = startScriptedProvider();
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }), provider.stop);
  return {
    folder,
    provider,
    async start({ tracing = {}, server = {} } = {}) {
      const gateway = await startGatewayProcess({
        folder,
        config: {
          server: { export_on_exit: "300ms", ...server },
          providers: basicProviders(provider),
          tracing,
        },
      });
      cleanups.push(() => gateway.stop(5000));
      return gateway;
    },
    async status(...args) {
      const main = resolve(import.meta.dir, "../../src/main.ts");
      const child = Bun.spawn([process.execPath, main, "status", ...args], {
        cwd: folder,
        stdout: "pipe",
        stderr: "pipe",
      });
      const [stdout, stderr] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      return { stdout, stderr, exitCode: await child.exited };
    },
  };
}

export interface WorldCall {
  readonly caller: CallerSpan;
  readonly status: number;
  readonly body: string;
  readonly ms: number;
}

/** One call under a caller's span of its own, read to its end. */
export async function callGateway(
  { url }: GatewayProcess,
  call: ApiCall,
  headers: Readonly<Record<string, string>> = {},
): Promise<WorldCall> {
  const caller = newCallerSpan();
  const startedAt = performance.now();
  const reply = await fetch(url + call.route, {
    method: "POST",
    headers: { "content-type": "application/json", ...caller.headers, ...headers },
    body: apiBody(call),
  });
  const body = await reply.text();
  return { caller, status: reply.status, body, ms: performance.now() - startedAt };
}

export interface Readiness {
  readonly code: number;
  readonly status: string;
  readonly reasons: readonly string[];
}

export async function readiness({ url }: GatewayProcess): Promise<Readiness> {
  const reply = await fetch(`${url}/readyz`);
  const body = (await reply.json()) as { status: string; reasons?: string[] };
  return { code: reply.status, status: body.status, reasons: body.reasons ?? [] };
}
