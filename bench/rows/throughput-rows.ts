// Bench rows: calls and streams a second beside the pass-through, 64 connections, everything on.

import { assertWhole, plainLoad, tracedLoad } from "../bench-context.ts";
import type { Bench, Figure, Row, TracedLoad } from "../bench-context.ts";
import { chatRequest, quantile } from "../load-client.ts";
import type { LoadResult } from "../load-client.ts";
import { exporterSeconds, threadSeconds } from "../process-figures.ts";
import { interleave, ratios, showSpread, spreadOf, warmUpMs } from "../rounds.ts";

const connections = 64;

export const plain: Row = {
  name: "plain",
  about: "plain calls a second",
  byDefault: true,
  async run(bench) {
    const { ratio, figures } = await compare(bench, "calls", chatRequest({ model: "plain" }));
    return [
      {
        figure: "plain calls/s ÷ pass-through, 64 connections",
        value: ratio,
        peer: "0.18",
        floor: "0.30",
        aim: "0.50",
      },
      ...figures,
    ];
  },
};

export const streams: Row = {
  name: "streams",
  about: "50-chunk streams a second, all chunks in one write",
  byDefault: true,
  async run(bench) {
    const request = chatRequest({ model: "stream", stream: true });
    const { ratio, figures } = await compare(bench, "streams", request);
    return [
      {
        figure: "50-chunk streams/s ÷ pass-through, 64 connections, all chunks in one write",
        value: ratio,
        peer: "0.08",
        floor: "0.40",
        aim: "0.60",
      },
      ...figures,
    ];
  },
};

export const streamsApart: Row = {
  name: "streams-apart",
  about: "50-chunk streams a second, each chunk a write of its own, as providers send them",
  byDefault: true,
  async run(bench) {
    const request = chatRequest({ model: "apart", stream: true });
    const { ratio, figures } = await compare(bench, "streams", request);
    return [
      {
        figure: "50-chunk streams/s ÷ pass-through, 64 connections, each chunk a write of its own",
        value: ratio,
        peer: "-",
        floor: "0.40",
        aim: "0.60",
      },
      ...figures,
    ];
  },
};

export const streamsWithUsage: Row = {
  name: "streams-usage",
  about: "the same where the client asks for usage itself, so that nothing has to be hidden",
  byDefault: true,
  async run(bench) {
    const request = chatRequest({ model: "stream", stream: true, askUsage: true });
    const { ratio, figures } = await compare(bench, "streams", request);
    return [{ figure: "streams/s ÷ pass-through, usage asked for", value: ratio }, ...figures];
  },
};

export const paced: Row = {
  name: "paced",
  about: "512 streams at once whose chunks come one by one, every 10 ms",
  byDefault: false,
  async run(bench) {
    const request = chatRequest({ model: "paced-10", stream: true });
    const { ratio, figures } = await compare(bench, "streams", request, 512);
    return [{ figure: "paced streams/s ÷ pass-through, 512 at once", value: ratio }, ...figures];
  },
};

async function compare(
  bench: Bench,
  unit: string,
  request: Uint8Array,
  atOnce = connections,
): Promise<{ ratio: string; figures: Figure[] }> {
  const gateway = await bench.startGateway();
  const load = { connections: atOnce, request, forMs: bench.roundMs };
  const warm = { ...load, forMs: warmUpMs };
  const before = { spans: 0, wireBytes: 0, bytes: 0 };
  let cpuBefore = new Map<string, number>();
  const results = await interleave<"gateway" | "passThrough", TracedLoad | LoadResult>(
    bench.rounds,
    {
      gateway: () => tracedLoad(bench, gateway, load),
      passThrough: () => plainLoad(bench, load),
    },
    {
      passThrough: () => plainLoad(bench, warm),
      gateway: async () => {
        await tracedLoad(bench, gateway, warm);
        Object.assign(before, await bench.receiver.count());
        cpuBefore = threadSeconds(gateway.pid);
      },
    },
  );
  const cpu = threadSeconds(gateway.pid);
  const gatewayLoads = results.gateway as TracedLoad[];
  for (const result of gatewayLoads) assertWhole("gateway", result);
  for (const result of results.passThrough) assertWhole("pass-through", result);
  const calls = gatewayLoads.reduce((sum, { calls: count }) => sum + count, 0);
  noteThreads(bench, calls, cpuBefore, cpu);
  const received = await bench.receiver.count();
  const ledger = gateway.ledgerBytes();
  const committed = await gateway.metric("everyspan_spans_committed_total");
  const lost = await gateway.metric("everyspan_spans_lost_total");
  await gateway.stop();
  const rate = (loads: readonly LoadResult[]): number[] =>
    loads.map(({ callsPerSecond }) => callsPerSecond);
  const at = (loads: readonly LoadResult[], share: number): string =>
    showSpread(spreadOf(loads.map(({ latenciesMs }) => quantile(latenciesMs, share))));
  const sum = gatewayLoads.reduce((total, { missingSpans }) => total + missingSpans, 0);
  return {
    ratio: showSpread(ratios(rate(results.gateway), rate(results.passThrough))),
    figures: [
      { figure: `${unit}/s, everyspan`, value: showSpread(spreadOf(rate(results.gateway)), 0) },
      {
        figure: `${unit}/s, pass-through`,
        value: showSpread(spreadOf(rate(results.passThrough)), 0),
      },
      { figure: "p50 ms, everyspan", value: at(results.gateway, 0.5) },
      { figure: "p50 ms, pass-through", value: at(results.passThrough, 0.5) },
      { figure: "p99 ms, everyspan", value: at(results.gateway, 0.99) },
      { figure: "p99 ms, pass-through", value: at(results.passThrough, 0.99) },
      {
        figure: "the receiver has every span so long after the last reply, ms",
        value: showSpread(spreadOf(gatewayLoads.map(({ exportLagMs }) => exportLagMs)), 0),
      },
      { figure: "spans missing at the receiver / lost", value: `${sum} / ${lost}` },
      {
        figure: "ledger bytes a call; export bytes a call, on the wire / unpacked",
        value:
          `${Math.round(ledger / (committed / 5))}; ` +
          `${Math.round((received.wireBytes - before.wireBytes) / calls)} / ` +
          `${Math.round((received.bytes - before.bytes) / calls)}`,
      },
      {
        figure: "seconds of ledger and export a call (CPU of the exporter thread)",
        value: ((exporterSeconds(cpu) - exporterSeconds(cpuBefore)) / calls).toFixed(7),
      },
    ],
  };
}

/** CPU by thread, for whoever tunes: microseconds a call of every thread that took part. */
function noteThreads(
  bench: Bench,
  calls: number,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): void {
  const spent = [...after]
    .map(([name, seconds]) => ({ name, seconds: seconds - (before.get(name) ?? 0) }))
    .filter(({ seconds }) => seconds >= 0.05)
    .toSorted((left, right) => right.seconds - left.seconds)
    .map(({ name, seconds }) => `${name} ${((seconds / calls) * 1e6).toFixed(1)}`);
  bench.note(`CPU µs a call by thread of the gateway: ${spent.join(", ")}`);
}
