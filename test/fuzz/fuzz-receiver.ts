// Fuzz: a destination that takes most of what it is sent, and answers anything. Every span must be in one state
// of its account all the same.

import { createRandom } from "../unit/apischema/random-json.ts";
import { damage, randomBytes } from "./fuzz-bytes.ts";

export interface FuzzReceiver {
  readonly endpoint: string;
  readonly requests: () => number;
  readonly stop: () => void;
}

export function startFuzzReceiver(seed: number): FuzzReceiver {
  const random = createRandom(Math.imul(seed, 0x27d4eb2f));
  let requests = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      requests++;
      await request.arrayBuffer();
      const partial = `{"partialSuccess":{"rejectedSpans":${random.pick(counts)},"errorMessage":"x"}}`;
      const json = { "content-type": "application/json" };
      switch (random.below(12)) {
        case 0:
          return new Response(partial, { headers: json });
        case 1:
          return new Response(damage(random, Buffer.from(partial)), { headers: json });
        case 2:
          return new Response(randomBytes(random, random.below(300)));
        case 3:
          return new Response("<html>", { headers: { "content-type": "text/html" } });
        case 4:
          return new Response(partial, { headers: { "content-encoding": "gzip" } });
        case 5: {
          const status = random.pick([302, 400, 408, 413, 429, 500, 503]);
          return new Response(partial, { status, headers: { "retry-after": random.pick(waits) } });
        }
        default:
          return new Response(null);
      }
    },
  });
  return {
    endpoint: `http://127.0.0.1:${server.port}/v1/traces`,
    requests: () => requests,
    stop: () => void server.stop(true),
  };
}

const counts = ["0", "1", "-1", "1e9", '"3"', "null", "{}", "1.5"] as const;
const waits = ["0", "-1", "x", "", "1e9", "Thu, 01 Jan 1970 00:00:00 GMT"] as const;
