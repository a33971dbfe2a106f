// The server thread's own figures, kept as calls end. One instance per gateway; written out by
// metrics-text.ts.

import { outcomeLabel } from "./call-report.ts";
import type { CallReport, OutcomeLabel } from "./call-report.ts";
import { createInferenceMetrics, genAiSeconds } from "./inference-metrics.ts";
import { createCounter, createHistogram } from "./metric-series.ts";
import type { CounterCell, HistogramCell, MetricSeries } from "./metric-series.ts";

export interface GatewayMetrics {
  readonly record: (report: CallReport, nowMs: number) => void;
  readonly series: readonly MetricSeries[];
}

const overheadBounds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

/** A route's series; routes are few and fixed. */
interface RouteCells {
  readonly outcomes: Map<OutcomeLabel, CounterCell>;
  readonly duration: HistogramCell;
  readonly overhead: HistogramCell;
}

export function createGatewayMetrics(): GatewayMetrics {
  const calls = createCounter("everyspan_calls_total", "Calls by route and outcome.");
  const duration = createHistogram(
    "everyspan_call_duration_seconds",
    "From request to reply, the commit included.",
    genAiSeconds,
  );
  const overhead = createHistogram(
    "everyspan_overhead_seconds",
    "Time in everyspan that is not the provider's, the commit wait included.",
    overheadBounds,
  );
  const inference = createInferenceMetrics();
  const routes = new Map<string, RouteCells>();

  function cellsOf(route: string): RouteCells {
    let cells = routes.get(route);
    if (cells === undefined) {
      const labels = { route };
      cells = {
        outcomes: new Map(),
        duration: duration.of(labels),
        overhead: overhead.of(labels),
      };
      routes.set(route, cells);
    }
    return cells;
  }

  return {
    record(report, nowMs) {
      const { call, outcome, refused } = report;
      const route = call.route.template;
      const cells = cellsOf(route);
      const label = outcomeLabel(report);
      let count = cells.outcomes.get(label);
      if (count === undefined) {
        count = calls.of({ route, outcome: label });
        cells.outcomes.set(label, count);
      }
      count.value++;
      const seconds = Math.max(0, nowMs - call.startedMs) / 1000;
      cells.duration.observe(seconds);
      if (!refused) {
        cells.overhead.observe(Math.max(0, seconds - (outcome?.providerMs ?? 0) / 1000));
      }
      if (outcome !== undefined) inference.record(outcome, call.route.api, call.model);
    },
    series: [calls, duration, overhead, ...inference.series],
  };
}
