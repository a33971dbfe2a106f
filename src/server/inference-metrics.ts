// The GenAI client metrics of the conventions (facts: newest names, after the inference split), in their
// Prometheus spelling. One instance per gateway.

import type { CallOutcome } from "../protocol/call-task.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import { createCounter, createHistogram, labelSetsMax } from "./metric-series.ts";
import type { CounterCell, HistogramCell, MetricSeries } from "./metric-series.ts";

export interface InferenceMetrics {
  readonly record: (outcome: CallOutcome, api: string, requestModel: string) => void;
  readonly series: readonly MetricSeries[];
}

/** Buckets of the GenAI conventions for durations, in seconds. */
export const genAiSeconds: readonly number[] = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];

/** One set of labels, resolved in all series at once. */
interface Cells {
  readonly duration: HistogramCell;
  readonly firstChunk: HistogramCell;
  readonly tokens: readonly (readonly [CounterCell, TokenField])[];
}

type TokenField =
  | "inputTokens"
  | "outputTokens"
  | "cacheReadTokens"
  | "cacheWriteTokens"
  | "reasoningTokens";

const tokenCounters: readonly (readonly [TokenField, string, string])[] = [
  ["inputTokens", "input_tokens", "Input tokens, cached ones included."],
  ["outputTokens", "output_tokens", "Output tokens."],
  ["cacheReadTokens", "cache_read_input_tokens", "Input tokens read from a cache."],
  ["cacheWriteTokens", "cache_write_input_tokens", "Input tokens written to a cache."],
  ["reasoningTokens", "reasoning_output_tokens", "Output tokens spent on reasoning."],
];

export function createInferenceMetrics(): InferenceMetrics {
  const duration = createHistogram(
    "gen_ai_client_inference_duration_seconds",
    "Duration of the logical call.",
    genAiSeconds,
  );
  const firstChunk = createHistogram(
    "gen_ai_client_inference_time_to_first_chunk_seconds",
    "Time to the first content of a stream.",
    genAiSeconds,
  );
  const tokens = tokenCounters.map(
    ([field, name, help]) =>
      [createCounter(`gen_ai_client_inference_usage_${name}_total`, help), field] as const,
  );
  const known = new Map<string, Cells>();

  function cellsOf(outcome: CallOutcome, api: string, requestModel: string): Cells {
    const key = `${api}\n${requestModel}\n${outcome.responseModel}\n${outcome.errorType}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const labels: Record<string, string> = {
      [attr.operationName]: "chat",
      [attr.providerName]: api,
      [attr.requestModel]: requestModel,
      [attr.responseModel]: outcome.responseModel,
    };
    if (outcome.errorType !== "") labels[attr.errorType] = outcome.errorType;
    const ofTokens = { ...labels, "gen_ai.token.modality": "unknown" };
    const cells: Cells = {
      duration: duration.of(labels),
      firstChunk: firstChunk.of(labels),
      tokens: tokens.map(([counter, field]) => [counter.of(ofTokens), field] as const),
    };
    if (known.size < labelSetsMax) known.set(key, cells);
    return cells;
  }

  return {
    record(outcome, api, requestModel) {
      if (outcome.chatSeconds < 0) return;
      const cells = cellsOf(outcome, api, requestModel);
      cells.duration.observe(outcome.chatSeconds);
      if (outcome.timeToFirstChunkSeconds >= 0) {
        cells.firstChunk.observe(outcome.timeToFirstChunkSeconds);
      }
      for (const [cell, field] of cells.tokens) cell.value += Math.max(0, outcome[field]);
    },
    series: [duration, firstChunk, ...tokens.map(([counter]) => counter)],
  };
}
