// Bench rows: the same load on differently configured gateways, and with larger prompts, interleaved.

import { assertWhole, plainLoad, tracedLoad } from "../bench-context.ts";
import type { Bench, Figure, Row } from "../bench-context.ts";
import type { Gateway, GatewayOptions } from "../gateway-under-test.ts";
import { chatRequest, quantile, runLoad } from "../load-client.ts";
import type { LoadResult } from "../load-client.ts";
import { processSeconds } from "../process-figures.ts";
import { interleave, ratios, show, showSpread, spreadOf } from "../rounds.ts";

const connections = 64;

export const tracingCost: Row = {
  name: "tracing-cost",
  about: "what tracing costs: everything on, the ledger alone, replies that wait for nothing",
  byDefault: true,
  async run(bench) {
    const results = await variants(bench, {
      "everything on": {},
      "ledger alone": { receiverPort: undefined },
      "ledger alone, replies wait for nothing": {
        receiverPort: undefined,
        tracing: { reply_waits_for: "nothing" },
      },
      "everything on, synced to disk at each commit": {
        tracing: { ledger: { durability: "power" } },
      },
    });
    return results.map(({ name, loads, cpuMicroseconds, toFirst }) => ({
      figure: `${name}: calls/s; ÷ everything on; p50 ms; CPU µs a call`,
      value: `${showSpread(spreadOf(rates(loads)), 0)}; ${show(toFirst)}; ${show(median(loads))}; ${show(cpuMicroseconds, 0)}`,
    }));
  },
};

export const threads: Row = {
  name: "threads",
  about: "calls a second by number of worker threads",
  byDefault: true,
  async run(bench) {
    const counts = [1, 2, 4];
    const results = await variants(
      bench,
      Object.fromEntries(counts.map((count) => [`${count} threads`, { threads: count }])),
    );
    return results.map(({ name, loads, cpuMicroseconds, toFirst }) => ({
      figure: `${name}: calls/s; ÷ the first; p50 ms; CPU µs a call`,
      value: `${showSpread(spreadOf(rates(loads)), 0)}; ${show(toFirst)}; ${show(median(loads))}; ${show(cpuMicroseconds, 0)}`,
    }));
  },
};

const sizes = [
  ["1 KB", 1000],
  ["100 KB", 100_000],
  ["1 MB", 1_000_000],
] as const;

export const promptSize: Row = {
  name: "prompt-size",
  about: "calls a second beside the pass-through by size of the prompt: 1 KB, 100 KB, 1 MB",
  byDefault: true,
  run: (bench) =>
    bySize(bench, "prompt", (promptBytes) => chatRequest({ model: "plain", promptBytes })),
};

export const replySize: Row = {
  name: "reply-size",
  about: "calls a second beside the pass-through by size of the reply: 1 KB, 100 KB, 1 MB",
  byDefault: true,
  run: (bench) => bySize(bench, "reply", (chars) => chatRequest({ model: `sized-${chars}` })),
};

async function bySize(
  bench: Bench,
  what: string,
  requestOf: (size: number) => Uint8Array,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  const gateway = await bench.startGateway();
  for (const [label, size] of sizes) {
    const load = { connections: 16, request: requestOf(size), forMs: bench.roundMs };
    const loads = {
      gateway: (): Promise<LoadResult> => tracedLoad(bench, gateway, load),
      passThrough: () => plainLoad(bench, load),
    };
    const results = await interleave(Math.min(3, bench.rounds), loads, loads);
    for (const result of results.gateway) assertWhole(`gateway, ${label}`, result);
    figures.push({
      figure: `${what} of ${label}: calls/s, ÷ pass-through, 16 connections`,
      value: `${showSpread(spreadOf(rates(results.gateway)), 0)}, ${showSpread(ratios(rates(results.gateway), rates(results.passThrough)))}`,
    });
  }
  await gateway.stop();
  return figures;
}

interface VariantResult {
  readonly name: string;
  readonly loads: LoadResult[];
  /** Of the whole process, over all rounds and calls. */
  readonly cpuMicroseconds: number;
  /** Calls a second by those of the first variant, the median of the rounds. */
  readonly toFirst: number;
}

/** All of them run at once, but only one is under load at a time. */
async function variants(
  bench: Bench,
  options: Readonly<Record<string, Partial<GatewayOptions>>>,
): Promise<VariantResult[]> {
  const gateways = new Map<string, Gateway>();
  const cpuBefore = new Map<string, number>();
  for (const [name, chosen] of Object.entries(options)) {
    gateways.set(name, await bench.startGateway(chosen));
  }
  const request = chatRequest({ model: "plain" });
  const load = { connections, request, forMs: bench.roundMs };
  const subjects: Record<string, () => Promise<LoadResult>> = {};
  const warmUp: Record<string, () => Promise<unknown>> = {};
  for (const [name, gateway] of gateways) {
    // Without a destination there is nothing to wait for at the receiver.
    const exports = !("receiverPort" in (options[name] ?? {}));
    subjects[name] = () =>
      exports
        ? tracedLoad(bench, gateway, load)
        : runLoad({ ...load, port: gateway.port }).then(settled);
    warmUp[name] = async () => {
      await subjects[name]?.();
      cpuBefore.set(name, processSeconds(gateway.pid));
    };
  }
  const results = await interleave(bench.rounds, subjects, warmUp);
  const cpu = new Map([...gateways].map(([name, { pid }]) => [name, processSeconds(pid)]));
  for (const gateway of gateways.values()) await gateway.stop();
  const [first = []] = Object.values(results);
  return Object.entries(results).map(([name, loads]) => {
    for (const result of loads) assertWhole(name, result);
    const calls = loads.reduce((sum, result) => sum + result.calls, 0);
    const seconds = (cpu.get(name) ?? 0) - (cpuBefore.get(name) ?? 0);
    return {
      name,
      loads,
      cpuMicroseconds: (seconds / calls) * 1e6,
      toFirst: ratios(rates(loads), rates(first)).median,
    };
  });
}

/** What replies did not wait for is done before the next one is measured. */
async function settled(result: LoadResult): Promise<LoadResult> {
  await Bun.sleep(300);
  return result;
}

function rates(loads: readonly LoadResult[]): number[] {
  return loads.map(({ callsPerSecond }) => callsPerSecond);
}

function median(loads: readonly LoadResult[]): number {
  return spreadOf(loads.map(({ latenciesMs }) => quantile(latenciesMs, 0.5))).median;
}
