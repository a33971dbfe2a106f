// The server thread's own figures, kept as calls end. One instance per gateway; written out by
// metrics-text.ts.

import { attr } from "../tracing/recorder/semconv.ts";
import { outcomeLabel } from "./call-report.ts";
import type { CallReport } from "./call-report.ts";
import { createCounter, createHistogram } from "./metric-series.ts";
import type { MetricSeries } from "./metric-series.ts";

export interface GatewayMetrics {
  readonly record: (report: CallReport, nowMs: number, provider: string) => void;
  readonly series: () => readonly MetricSeries[];
}

/** Buckets of the GenAI conventions for durations, in seconds. */
const genAiSeconds = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const overheadSeconds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

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
    overheadSeconds,
  );
  const inference = createHistogram(
    "gen_ai_client_inference_duration_seconds",
    "Duration of the logical call.",
    genAiSeconds,
  );
  const firstChunk = createHistogram(
    "gen_ai_client_inference_time_to_first_chunk_seconds",
    "Time to the first content of a stream.",
    genAiSeconds,
  );
  const tokenCounters = {
    input: createCounter(
      "gen_ai_client_inference_usage_input_tokens_total",
      "Input tokens, cached ones included.",
    ),
    output: createCounter("gen_ai_client_inference_usage_output_tokens_total", "Output tokens."),
    cacheRead: createCounter(
      "gen_ai_client_inference_usage_cache_read_input_tokens_total",
      "Input tokens read from a cache.",
    ),
    cacheWrite: createCounter(
      "gen_ai_client_inference_usage_cache_write_input_tokens_total",
      "Input tokens written to a cache.",
    ),
    reasoning: createCounter(
      "gen_ai_client_inference_usage_reasoning_output_tokens_total",
      "Output tokens spent on reasoning.",
    ),
  };

  function recordInference({ outcome, call }: CallReport, provider: string): void {
    if (outcome === undefined || outcome.chatSeconds < 0) return;
    const labels: Record<string, string> = {
      [attr.operationName]: "chat",
      [attr.providerName]: provider,
      [attr.requestModel]: call.model,
      [attr.responseModel]: outcome.responseModel,
    };
    if (outcome.errorType !== "") labels[attr.errorType] = outcome.errorType;
    inference.observe(outcome.chatSeconds, labels);
    if (outcome.timeToFirstChunkSeconds >= 0) {
      firstChunk.observe(outcome.timeToFirstChunkSeconds, labels);
    }
    const tokens = { ...labels, "gen_ai.token.modality": "unknown" };
    tokenCounters.input.add(Math.max(0, outcome.inputTokens), tokens);
    tokenCounters.output.add(Math.max(0, outcome.outputTokens), tokens);
    tokenCounters.cacheRead.add(Math.max(0, outcome.cacheReadTokens), tokens);
    tokenCounters.cacheWrite.add(Math.max(0, outcome.cacheWriteTokens), tokens);
    tokenCounters.reasoning.add(Math.max(0, outcome.reasoningTokens), tokens);
  }

  return {
    record(report, nowMs, provider) {
      const { call, outcome } = report;
      const route = call.route.template;
      const seconds = Math.max(0, nowMs - call.startedMs) / 1000;
      calls.add(1, { route, outcome: outcomeLabel(report) });
      duration.observe(seconds, { route });
      if (!report.refused) {
        overhead.observe(Math.max(0, seconds - (outcome?.providerMs ?? 0) / 1000), { route });
      }
      recordInference(report, provider);
    },
    series: () => [
      calls,
      duration,
      overhead,
      inference,
      firstChunk,
      ...Object.values(tokenCounters),
    ],
  };
}
