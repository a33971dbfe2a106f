// Bench rows: how many calls at once, how much memory, how fast a start, and what happens beyond the limits.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { tracedLoad, waitForSpans } from "../bench-context.ts";
import { spansPerCall } from "../bench-context.ts";
import type { Bench, Figure, Row } from "../bench-context.ts";
import { chatRequest, quantile, runLoad } from "../load-client.ts";
import { processSeconds, residentMegabytes } from "../process-figures.ts";
import { interleave, ratios, show, showSpread, spreadOf } from "../rounds.ts";

export const inFlight: Row = {
  name: "inflight",
  about: "2,000 and 10,000 calls in flight at once, the provider takes 1 s",
  byDefault: true,
  async run(bench) {
    const figures: Figure[] = [];
    const counts = bench.amount === undefined ? [2000, 10_000] : [bench.amount];
    for (const connections of counts) {
      const gateway = await bench.startGateway();
      const request = chatRequest({ model: "wait-1000" });
      const load = { connections, request, calls: connections, together: true, graceMs: 40_000 };
      const result = await tracedLoad(bench, gateway, load);
      const memory = residentMegabytes(gateway.pid);
      await gateway.stop();
      figures.push({
        figure: `${connections} calls in flight at once: failed / spans missing`,
        value: `${result.failed} / ${result.missingSpans} (all answered after ${show(result.seconds)} s, p99 ${show(quantile(result.latenciesMs, 0.99) / 1000)} s, ${show(memory, 0)} MB)`,
        ...(connections === 2000 && { floor: "2,000", aim: "10,000", peer: "1,000" }),
      });
    }
    return figures;
  },
};

export const memory: Row = {
  name: "memory",
  about: "resident memory, idle and with 2,000 streams open",
  byDefault: true,
  async run(bench) {
    const gateway = await bench.startGateway();
    await Bun.sleep(2000);
    const idle = residentMegabytes(gateway.pid);
    const connections = bench.amount ?? 2000;
    // 53 events, one every 250 ms: open for 13 s, looked at in the middle.
    const request = chatRequest({ model: "paced-250", stream: true });
    const load = { connections, request, calls: connections, together: true };
    const running = tracedLoad(bench, gateway, load);
    let open = 0;
    for (let look = 0; look < 4; look++) {
      await Bun.sleep(2000);
      open = Math.max(open, residentMegabytes(gateway.pid));
    }
    const inFlightNow = await gateway.metric("everyspan_calls_in_flight");
    const result = await running;
    await Bun.sleep(2000);
    const after = residentMegabytes(gateway.pid);
    await gateway.stop();
    return [
      {
        figure: "resident memory idle, MB",
        value: show(idle, 0),
        floor: "150",
        aim: "100",
        peer: "34",
      },
      {
        figure: `resident memory with ${connections} streams open, MB`,
        value: `${show(open, 0)} (${inFlightNow} in flight; ${show(after, 0)} two seconds after the last)`,
        floor: "350",
        aim: "250",
        peer: "-",
      },
      {
        figure: "of these streams failed / spans missing",
        value: `${result.failed} / ${result.missingSpans}`,
      },
    ];
  },
};

export const start: Row = {
  name: "start",
  about: "from the start of the process to the first 200 of /readyz",
  byDefault: true,
  async run(bench) {
    const times: number[] = [];
    for (let round = 0; round < 10; round++) {
      const gateway = await bench.startGateway();
      times.push(gateway.readyMs);
      await gateway.stop();
    }
    return [
      {
        figure: "start to ready, ms",
        value: showSpread(spreadOf(times), 0),
        floor: "300",
        aim: "100",
        peer: "54",
      },
    ];
  },
};

export const overload: Row = {
  name: "overload",
  about: "four times the load that gives the peak, and four times what the pool takes",
  byDefault: true,
  async run(bench) {
    return [...(await fourTimesThePeak(bench)), ...(await fourTimesThePool(bench))];
  },
};

async function fourTimesThePeak(bench: Bench): Promise<Figure[]> {
  const gateway = await bench.startGateway();
  const request = chatRequest({ model: "plain" });
  const load = (connections: number) => () =>
    tracedLoad(bench, gateway, { connections, request, forMs: bench.roundMs });
  const loads = { peak: load(64), four: load(256) };
  const results = await interleave(bench.rounds, loads, loads);
  await gateway.stop();
  const rate = (all: readonly { callsPerSecond: number }[]): number[] =>
    all.map(({ callsPerSecond }) => callsPerSecond);
  return [
    {
      figure: "calls/s with 256 connections ÷ with 64",
      value: showSpread(ratios(rate(results.four), rate(results.peak))),
      floor: "0.9",
      aim: "1",
      peer: "-",
    },
    {
      figure: "spans missing / calls failed, all of it",
      value: `${sumOf([...results.four, ...results.peak], "missingSpans")} / ${sumOf([...results.four, ...results.peak], "failed")}`,
    },
  ];
}

/**
 * A small pool and a provider of 100 ms: 640 calls/s at most, and the rest is turned away. Offered is four times
 * that, by callers that wait before they try again, and then a flood by callers that do not wait at all.
 */
async function fourTimesThePool(bench: Bench): Promise<Figure[]> {
  const pool = { threads: 2, calls_per_thread: 32, queue: 64 };
  const gateway = await bench.startGateway({ pool });
  const request = chatRequest({ model: "wait-100" });
  const load = (connections: number, backOffMs: number) => () =>
    runLoad({ port: gateway.port, connections, request, backOffMs, forMs: bench.roundMs });
  const loads = { full: load(128, 200), four: load(512, 200), flood: load(512, 0) };
  const results = await interleave(Math.min(3, bench.rounds), loads, loads);
  await gateway.stop();
  const rate = (all: readonly { callsPerSecond: number }[]): number[] =>
    all.map(({ callsPerSecond }) => callsPerSecond);
  const turnedAway = sumOf([...results.four, ...results.flood], "turnedAway");
  const failed = sumOf([...results.four, ...results.flood], "failed");
  return [
    {
      figure: "served/s with 4× offered to a full pool and queue ÷ with 1×",
      value: showSpread(ratios(rate(results.four), rate(results.full))),
      floor: "0.9",
      aim: "1",
      peer: "-",
    },
    {
      figure: "the same under a flood: 512 connections that try again at once",
      value: showSpread(ratios(rate(results.flood), rate(results.full))),
    },
    {
      figure: "in both: turned away with retry-after / failed in another way",
      value: `${turnedAway} / ${failed - turnedAway}`,
    },
  ];
}

function sumOf<Key extends string>(all: readonly Record<Key, number>[], key: Key): number {
  return all.reduce((sum, result) => sum + result[key], 0);
}

export const kill: Row = {
  name: "kill",
  about: "kill -9 right after the last byte, restart: how many spans arrive",
  byDefault: true,
  async run(bench) {
    const calls = bench.amount ?? 200;
    const folder = mkdtempSync(join(tmpdir(), "everyspan-bench-"));
    let missing = 0;
    const rounds = 5;
    for (let round = 0; round < rounds; round++) {
      const before = await bench.receiver.count();
      const gateway = await bench.startGateway({ folder });
      const request = chatRequest({ model: "plain" });
      const load = { port: gateway.port, connections: Math.min(64, calls), request, calls };
      const result = await runLoad(load);
      await gateway.kill();
      const again = await bench.startGateway({ folder });
      const expected = before.spans + (result.calls - result.failed) * spansPerCall;
      missing += Math.max(0, expected - (await waitForSpans(bench, expected)));
      await again.stop();
    }
    rmSync(folder, { recursive: true, force: true });
    return [
      {
        figure: `spans lost by kill -9 right after the last byte, ${rounds} × ${calls} calls`,
        value: String(missing),
        floor: "0",
        aim: "0",
        peer: "all",
      },
    ];
  },
};

export const million: Row = {
  name: "million",
  about: "resident memory over many calls (100,000; `million 1000000` for the name's own number)",
  byDefault: false,
  async run(bench) {
    const calls = bench.amount ?? 100_000;
    const gateway = await bench.startGateway();
    const request = chatRequest({ model: "plain" });
    const figures: Figure[] = [];
    const memoryAt: number[] = [];
    let missing = 0;
    let failed = 0;
    const cpu = processSeconds(gateway.pid);
    for (let part = 1; part <= 10; part++) {
      const load = { connections: 64, request, calls: calls / 10, graceMs: 600_000 };
      const result = await tracedLoad(bench, gateway, load);
      missing += result.missingSpans;
      failed += result.failed;
      memoryAt.push(residentMegabytes(gateway.pid));
      bench.note(
        `after ${(calls / 10) * part} calls: ${show(memoryAt.at(-1) ?? 0, 0)} MB, ledger ${show(gateway.ledgerBytes() / 1e6, 0)} MB, ${show(result.callsPerSecond, 0)} calls/s`,
      );
    }
    figures.push(
      {
        figure: `resident memory over ${calls} calls, MB at each tenth`,
        value: memoryAt.map((megabytes) => show(megabytes, 0)).join(" "),
      },
      {
        figure: "grown from the first tenth to the last, MB; the highest of them",
        value: `${show((memoryAt.at(-1) ?? 0) - (memoryAt[0] ?? 0), 0)}; ${show(Math.max(...memoryAt), 0)}`,
      },
      { figure: "failed / spans missing over all of them", value: `${failed} / ${missing}` },
      {
        figure: "CPU of the gateway a call, µs",
        value: show(((processSeconds(gateway.pid) - cpu) / calls) * 1e6, 0),
      },
    );
    await gateway.stop();
    return figures;
  },
};
