import { describe, expect, test } from "bun:test";
import { createGatewayMetrics } from "../../../src/server/gateway-metrics.ts";
import { metricsText } from "../../../src/server/metrics-text.ts";
import type { MetricsState } from "../../../src/server/metrics-text.ts";

const state: MetricsState = {
  spans: { recorded: 20, committed: 12, open: 5, lost: 3 },
  account: {
    calls: 3,
    committed: 12,
    lost: 3,
    openCalls: 0,
    openSpans: 0,
    destinations: [
      {
        name: 'phoenix "eu"',
        committed: 12,
        exported: 6,
        pending: 3,
        rejected: 1,
        expired: 2,
        unsampled: 0,
        state: "active",
        lastError: "",
      },
    ],
  },
  callsInFlight: 2,
  workerRestarts: 1,
  refusedUntraced: 4,
};

const linesOf = (changes: Partial<MetricsState> = {}): string[] =>
  metricsText({ ...state, ...changes }, createGatewayMetrics()).split("\n");

describe("/metrics", () => {
  test("has the account, each figure once, with what it is", () => {
    const lines = linesOf();
    expect(lines.filter((line) => line !== "" && !line.startsWith("#"))).toEqual([
      "everyspan_spans_recorded_total 20",
      "everyspan_spans_committed_total 12",
      "everyspan_spans_lost_total 3",
      "everyspan_spans_open 5",
      String.raw`everyspan_destination_spans{destination="phoenix \"eu\"",state="exported"} 6`,
      String.raw`everyspan_destination_spans{destination="phoenix \"eu\"",state="pending"} 3`,
      String.raw`everyspan_destination_spans{destination="phoenix \"eu\"",state="rejected"} 1`,
      String.raw`everyspan_destination_spans{destination="phoenix \"eu\"",state="expired"} 2`,
      String.raw`everyspan_destination_spans{destination="phoenix \"eu\"",state="unsampled"} 0`,
      "everyspan_calls_in_flight 2",
      "everyspan_worker_restarts_total 1",
      "everyspan_refused_untraced_total 4",
    ]);
    const typed = lines.filter((line) => line.startsWith("# TYPE "));
    expect(new Set(typed).size).toBe(typed.length);
    expect(lines.at(-1)).toBe("");
  });

  test("leaves out what only the ledger knows when it could not be asked, and makes up no zeros", () => {
    const spans = { recorded: 20, committed: 0, open: 5, lost: 0 };
    const lines = linesOf({ account: undefined, spans });
    expect(lines).toContain("everyspan_spans_recorded_total 20");
    expect(lines).toContain("everyspan_spans_open 5");
    for (const name of ["spans_committed", "spans_lost", "destination_spans{"]) {
      expect(lines.filter((line) => line.startsWith(`everyspan_${name}`))).toEqual([]);
    }
  });
});
