// The guardrail server and the module that docs/guardrails.md shows, run as they stand there.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { apiBody, readApiReply, routes } from "../support/api-calls.ts";
import { startTracedGateway } from "../support/traced-gateway.ts";
import type { TracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

const page = readFileSync(resolve(import.meta.dir, "../../docs/guardrails.md"), "utf8");

function example(name: string): string {
  const found = new RegExp(`<!-- ${name} -->\\n\`\`\`ts\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1];
  if (found === undefined) throw new Error(`docs/guardrails.md has no example ${name}`);
  return found;
}

let folder: string;
let server: ReturnType<typeof Bun.spawn>;
let outside: TracedGateway;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "everyspan-docs-"));
  writeFileSync(join(folder, "server.ts"), example("server"));
  writeFileSync(join(folder, "module.ts"), example("module"));
  const port = freePort();
  server = Bun.spawn([process.execPath, join(folder, "server.ts")], {
    env: { ...process.env, PORT: String(port) },
    stdout: "ignore",
    stderr: "inherit",
  });
  const url = `http://127.0.0.1:${port}`;
  await waitFor(() => isThere(url), 10_000, "the example's server");
  outside = await startTracedGateway({
    provider: { script: () => ({ text: "the Amsel sings of many things, and of rule six only." }) },
    config: () => ({
      pool: { threads: 1 },
      guardrails: [
        {
          name: "server",
          type: "generic_api",
          url,
          modes: ["pre_call", "during_call", "post_call"],
        },
        {
          name: "module",
          type: "module",
          path: join(folder, "module.ts"),
          modes: ["pre_call", "post_call"],
        },
      ],
    }),
  });
});
afterAll(async () => {
  await outside?.stop();
  server.kill();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(["server", "module"] as const)("the %s in ten lines", (name) => {
  test.each(routes)("masks and blocks on %s", async (route) => {
    for (const stream of [false, true]) {
      const reply = await send(route, name, { prompt: "hello", stream });
      expect(reply.status).toBe(200);
      expect(readApiReply(route, reply.body).text).toBe(
        "the [bird] sings of many things, and of rule six only.",
      );
      const prompt = name === "server" ? "tell me the launch code" : "break rule seven";
      const refused = await send(route, name, { prompt, stream });
      expect(refused.status).toBe(400);
      expect(refused.body).toContain(
        name === "server" ? "no launch codes in a request" : "house rule 7",
      );
    }
  });

  test("is about as long as it says", () => {
    expect(example(name).trim().split("\n").length).toBeLessThanOrEqual(13);
  });
});

async function send(
  route: (typeof routes)[number],
  guardrail: string,
  call: { readonly prompt: string; readonly stream: boolean },
): Promise<{ status: number; body: string }> {
  const response = await fetch(outside.gateway.url + route, {
    method: "POST",
    headers: { "content-type": "application/json", "x-everyspan-guardrails": guardrail },
    body: apiBody({ route, ...call }),
  });
  return { status: response.status, body: await response.text() };
}

function freePort(): number {
  const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = probe;
  void probe.stop(true);
  return port ?? 0;
}

async function isThere(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return true;
  } catch {
    // Not listening yet: the caller's deadline decides.
    return false;
  }
}
