// Bench rows: what one call at a time takes longer than through the pass-through, and the first token of a stream.

import { assertWhole, plainLoad, tracedLoad } from "../bench-context.ts";
import type { Bench, Row } from "../bench-context.ts";
import { chatRequest, quantile } from "../load-client.ts";
import type { LoadResult } from "../load-client.ts";
import { interleave, showSpread, spreadOf, warmUpMs } from "../rounds.ts";
import type { Spread } from "../rounds.ts";

export const latency: Row = {
  name: "latency",
  about: "added p50 and p99 at one connection",
  byDefault: true,
  async run(bench) {
    const results = await oneByOne(bench, chatRequest({ model: "plain" }));
    const added = (share: number): Spread =>
      difference(results, ({ latenciesMs }) => quantile(latenciesMs, share));
    return [
      {
        figure: "added p50 at 1 connection, ms",
        value: showSpread(added(0.5)),
        peer: "0.28",
        floor: "0.30",
        aim: "0.15",
      },
      {
        figure: "added p99 at 1 connection, ms",
        value: showSpread(added(0.99)),
        peer: "0.6",
        floor: "3",
        aim: "1",
      },
      {
        figure: "p50 ms, everyspan / pass-through",
        value: both(results, ({ latenciesMs }) => quantile(latenciesMs, 0.5)),
      },
      {
        figure: "p99 ms, everyspan / pass-through",
        value: both(results, ({ latenciesMs }) => quantile(latenciesMs, 0.99)),
      },
    ];
  },
};

export const firstToken: Row = {
  name: "ttft",
  about: "time to the first body byte of a stream, added",
  byDefault: true,
  async run(bench) {
    const results = await oneByOne(bench, chatRequest({ model: "paced-1", stream: true }));
    const added = difference(results, ({ firstByteMs }) => quantile(firstByteMs, 0.5));
    return [
      { figure: "added time to first token, p50 at 1 connection, ms", value: showSpread(added) },
      {
        figure: "time to first token p50 ms, everyspan / pass-through",
        value: both(results, ({ firstByteMs }) => quantile(firstByteMs, 0.5)),
      },
    ];
  },
};

interface Results {
  readonly gateway: LoadResult[];
  readonly passThrough: LoadResult[];
}

async function oneByOne(bench: Bench, request: Uint8Array): Promise<Results> {
  const gateway = await bench.startGateway();
  const load = { connections: 1, request, forMs: bench.roundMs };
  const warm = { connections: 8, request, forMs: warmUpMs };
  const results = await interleave<"gateway" | "passThrough", LoadResult>(
    bench.rounds,
    {
      gateway: () => tracedLoad(bench, gateway, load),
      passThrough: () => plainLoad(bench, load),
    },
    {
      gateway: () => tracedLoad(bench, gateway, warm),
      passThrough: () => plainLoad(bench, warm),
    },
  );
  await gateway.stop();
  for (const result of results.gateway) assertWhole("gateway", result);
  for (const result of results.passThrough) assertWhole("pass-through", result);
  return results;
}

function difference(results: Results, figure: (load: LoadResult) => number): Spread {
  return spreadOf(
    results.gateway.map((load, index) => {
      const other = results.passThrough[index];
      return other === undefined ? Number.NaN : figure(load) - figure(other);
    }),
  );
}

function both(results: Results, figure: (load: LoadResult) => number): string {
  const { gateway, passThrough } = results;
  return [gateway, passThrough].map((loads) => showSpread(spreadOf(loads.map(figure)))).join(" / ");
}
