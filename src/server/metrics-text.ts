// `GET /metrics`: the account, asked of the exporter at every scrape so that it is never stale, and the
// server thread's own figures.

import type { Account } from "../protocol/exporter-message.ts";
import type { GatewayMetrics } from "./gateway-metrics.ts";
import { sample } from "./metric-series.ts";
import type { Labels } from "./metric-series.ts";

/** The account as a whole, in spans: recorded = committed + open + lost. */
export interface SpanAccount {
  readonly recorded: number;
  readonly committed: number;
  readonly open: number;
  readonly lost: number;
}

export interface MetricsState {
  readonly spans: SpanAccount;
  readonly account: Account | undefined;
  readonly callsInFlight: number;
  readonly workerRestarts: number;
  readonly refusedUntraced: number;
}

const destinationStates = ["exported", "pending", "rejected", "expired", "unsampled"] as const;

/** Prometheus text; without an exporter to ask, the last known account is not made up: it is absent. */
export function metricsText(state: MetricsState, metrics: GatewayMetrics): string {
  const { spans, account } = state;
  const parts = [
    counter("everyspan_spans_recorded_total", "Spans begun.", spans.recorded),
    ...(account === undefined ? [] : ledgerCounters(spans)),
    gauge("everyspan_spans_open", "Spans begun and not yet committed.", spans.open),
    sample("everyspan_destination_spans", {
      help: "Spans by destination and state.",
      type: "gauge",
      values: (account?.destinations ?? []).flatMap((destination) =>
        destinationStates.map((name): readonly [Labels, number] => [
          { destination: destination.name, state: name },
          destination[name],
        ]),
      ),
    }),
    gauge("everyspan_calls_in_flight", "Calls being served.", state.callsInFlight),
    counter(
      "everyspan_worker_restarts_total",
      "Worker threads that were replaced.",
      state.workerRestarts,
    ),
    counter(
      "everyspan_refused_untraced_total",
      "Refused calls beyond the number that is traced.",
      state.refusedUntraced,
    ),
    ...metrics.series.map((series) => series.text()),
  ];
  return parts.join("");
}

/** Absent rather than 0 when the ledger cannot be asked: that would read as a restart of the counter. */
function ledgerCounters({ committed, lost }: SpanAccount): string[] {
  return [
    counter("everyspan_spans_committed_total", "Spans in the ledger.", committed),
    counter("everyspan_spans_lost_total", "Spans that could not be committed.", lost),
  ];
}

function counter(name: string, help: string, value: number): string {
  return sample(name, { help, type: "counter", values: [[{}, value]] });
}

function gauge(name: string, help: string, value: number): string {
  return sample(name, { help, type: "gauge", values: [[{}, value]] });
}
