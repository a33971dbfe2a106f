// Backends: what stands in for a collector: takes an export and passes it on to every backend, bytes untouched.
// Its address says nothing, so that `dialect: auto` sends it the one set that must read right everywhere.

import type { Backend } from "./seen-trace.ts";

export interface Spread {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Answers with the first refusal, or the last acceptance. */
export function startSpread(backends: readonly Backend[]): Spread {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 120,
    async fetch(request) {
      const body = await request.arrayBuffer();
      let answer = new Response(null, { status: 200 });
      for (const { destination } of backends) {
        answer = await fetch(destination["endpoint"] as string, {
          method: "POST",
          headers: {
            "content-type": request.headers.get("content-type") ?? "",
            ...(destination["headers"] as Record<string, string>),
          },
          body,
        });
        if (!answer.ok) break;
      }
      return new Response(null, { status: answer.status });
    },
  });
  return { url: `http://127.0.0.1:${server.port}/v1/traces`, stop: () => server.stop(true) };
}
