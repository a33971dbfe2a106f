import { describe, expect, test } from "bun:test";
import { noOutcome } from "../../../src/protocol/call-task.ts";
import type { CallOutcome } from "../../../src/protocol/call-task.ts";
import { createInferenceMetrics } from "../../../src/server/inference-metrics.ts";
import type { InferenceMetrics } from "../../../src/server/inference-metrics.ts";
import { labelSetsMax } from "../../../src/server/metric-series.ts";

const chat: CallOutcome = {
  ...noOutcome,
  responseModel: "gpt-4o-mini-2024",
  inputTokens: 100,
  outputTokens: 20,
  chatSeconds: 0.5,
};
const labels =
  'gen_ai_operation_name="chat",gen_ai_provider_name="openai",' +
  'gen_ai_request_model="gpt-4o-mini",gen_ai_response_model="gpt-4o-mini-2024"';

function linesOf({ series }: InferenceMetrics, pattern: RegExp): string[] {
  const lines = series.flatMap((each) => each.text().split("\n"));
  return lines.filter((line) => !line.startsWith("#") && pattern.test(line));
}

describe("the conventions' metrics", () => {
  test("have the logical call's duration, the first content's time and the tokens", () => {
    const metrics = createInferenceMetrics();
    metrics.record({ ...chat, timeToFirstChunkSeconds: 0.03 }, "openai", "gpt-4o-mini");
    metrics.record(chat, "openai", "gpt-4o-mini");
    expect(linesOf(metrics, /_(?:sum|count)/)).toEqual([
      `gen_ai_client_inference_duration_seconds_sum{${labels}} 1`,
      `gen_ai_client_inference_duration_seconds_count{${labels}} 2`,
      `gen_ai_client_inference_time_to_first_chunk_seconds_sum{${labels}} 0.03`,
      `gen_ai_client_inference_time_to_first_chunk_seconds_count{${labels}} 1`,
    ]);
    const unknown = 'gen_ai_token_modality="unknown"';
    expect(linesOf(metrics, /usage_(?:input|output)/)).toEqual([
      `gen_ai_client_inference_usage_input_tokens_total{${labels},${unknown}} 200`,
      `gen_ai_client_inference_usage_output_tokens_total{${labels},${unknown}} 40`,
    ]);
  });

  test("count tokens that a provider did not tell of as none, never as less", () => {
    const metrics = createInferenceMetrics();
    metrics.record({ ...chat, inputTokens: -1, cacheReadTokens: -1 }, "openai", "m");
    metrics.record({ ...chat, inputTokens: 7 }, "openai", "m");
    expect(linesOf(metrics, /usage_input_tokens/)[0]).toEndWith(" 7");
    expect(linesOf(metrics, /usage_cache_read/)[0]).toEndWith(" 0");
  });

  test("tell failures apart by their error, with their tokens", () => {
    const metrics = createInferenceMetrics();
    metrics.record(chat, "openai", "m");
    metrics.record({ ...chat, errorType: "429", inputTokens: -1 }, "openai", "m");
    const [good = "", failed = "", ...others] = linesOf(metrics, /duration_seconds_count/);
    expect(good).not.toContain("error_type");
    expect(failed).toContain('error_type="429"');
    expect(others).toEqual([]);
    expect(linesOf(metrics, /usage_input_tokens.*error_type="429"/)[0]).toEndWith(" 0");
  });

  test("leave out calls without a chat span", () => {
    const metrics = createInferenceMetrics();
    metrics.record({ ...chat, chatSeconds: -1 }, "openai", "m");
    expect(linesOf(metrics, /./)).toEqual([]);
  });

  test("do not grow with made-up model names, and lose none of their calls", () => {
    const metrics = createInferenceMetrics();
    const calls = labelSetsMax + 50;
    for (let at = 0; at < calls; at++) metrics.record(chat, "openai", `made-up-${at}`);
    for (let at = 0; at < calls; at++) metrics.record(chat, "openai", `made-up-${at}`);
    const counts = linesOf(metrics, /duration_seconds_count/);
    expect(counts).toHaveLength(labelSetsMax + 1);
    expect(counts.at(-1)).toEndWith('{overflow="true"} 100');
    const total = counts.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    expect(total).toBe(calls * 2);
  });
});
