// A process that has no file descriptor left: it may refuse and fail calls, it must not die, and it goes on as if
// nothing had been once there are some again.

import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { apiBody } from "../support/api-calls.ts";
import { assertWholeTrace } from "../support/trace-assertions.ts";
import { startTracedGateway } from "../support/traced-gateway.ts";
import { waitFor } from "../support/wait-for.ts";

const prlimit = Bun.which("prlimit");
const route = "/v1/chat/completions";

/** Allows the process that many descriptors; only the soft limit, so that it can be raised again. */
function allow(pid: number, descriptors: number | string): void {
  Bun.spawnSync(["prlimit", "--pid", String(pid), `--nofile=${descriptors}:`]);
}

test.skipIf(prlimit === null || process.platform !== "linux")(
  "without a descriptor left the gateway lives on, and serves again when there are some",
  async () => {
    const traced = await startTracedGateway({});
    const { pid, url } = traced.gateway;
    try {
      const open = readdirSync(`/proc/${pid}/fd`).length;
      allow(pid, open + 5);
      const port = Number(new URL(url).port);
      const sockets = Array.from({ length: 40 }, () => connect(port, "127.0.0.1"));
      for (const socket of sockets) socket.on("error", () => undefined);
      // Long enough for every timer of every thread to have met it.
      await waitFor(() => readdirSync(`/proc/${pid}/fd`).length >= open + 5, 5000, "none left");
      const until = performance.now() + 1500;
      await waitFor(() => performance.now() > until, 5000, "a while");
      for (const socket of sockets) socket.destroy();
      allow(pid, 4096);
      const reply = await fetch(url + route, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: apiBody({ route, stream: false }),
      });
      expect(reply.status).toBe(200);
      const spans = await traced.trace(reply.headers.get("x-trace-id") ?? "");
      assertWholeTrace(spans, { route, chat: true });
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toContain("everyspan_worker_restarts_total 0");
      expect(traced.gateway.stderr()).not.toContain("a bug in");
    } finally {
      await traced.stop();
    }
  },
);
