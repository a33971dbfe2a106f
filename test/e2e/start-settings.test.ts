// What the process runs with, from outside. Linux alone says it.

import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";

import { startTracedGateway, type TracedGateway } from "../support/traced-gateway.ts";

const running: TracedGateway[] = [];
afterAll(() => Promise.all(running.map((traced) => traced.stop())));

test.skipIf(process.platform !== "linux")(
  "settings of its own are there from the start, and one from outside stays as it is",
  async () => {
    const traced = await startTracedGateway({ env: { BUN_CONFIG_MAX_HTTP_REQUESTS: "300" } });
    running.push(traced);
    const environment = readFileSync(`/proc/${traced.gateway.pid}/environ`, "utf8").split("\0");
    expect(environment).toContain("BUN_CONFIG_MAX_HTTP_REQUESTS=300");
    expect(environment).toContain("MIMALLOC_PURGE_DELAY=1000");
    expect(environment).toContain("BUN_JSC_heapGrowthMaxIncrease=6");
  },
);
