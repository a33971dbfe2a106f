// What a batch would take, from a sample of its rows and without a call. Pure.

import type { BatchJob } from "./batch-job.ts";
import { estimateTokens, planRow } from "./row-plan.ts";

export interface DryRun {
  readonly rows: number;
  /** Of the sample, as far as rows can be sent. */
  readonly badShare: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** USD; undefined where a price is unknown. */
  readonly cost: number | undefined;
  readonly model: string;
  /** Undefined where nothing says how fast it may go. */
  readonly seconds: number | undefined;
}

/** USD for a call of so many tokens; undefined when unknown. */
export type PriceTokens = (
  api: "openai" | "anthropic",
  model: string,
  tokens: { readonly input: number; readonly output: number },
) => number | undefined;

export function dryRun(job: BatchJob, price: PriceTokens): DryRun {
  let sent = 0;
  let input = 0;
  let output = 0;
  let cost: number | undefined = 0;
  let model = job.task.model ?? "";
  for (const row of job.survey.sample) {
    const plan = planRow(row, job.task);
    if (!plan.ok) continue;
    const { facts } = plan;
    const body = plan.request();
    const isLabel = plan.shape !== undefined;
    const tokens = estimateTokens(body.length, facts.maxTokens, isLabel);
    const dollars = price(plan.api, facts.model, tokens);
    cost = cost === undefined || dollars === undefined ? undefined : cost + dollars;
    model = facts.model;
    sent += 1;
    input += tokens.input;
    output += tokens.output;
  }
  const readable = job.survey.rows === 0 ? 0 : 1 - job.survey.badRows / job.survey.rows;
  const share = job.survey.sample.length === 0 ? 0 : (sent / job.survey.sample.length) * readable;
  const rows = job.rows * share;
  const scale = sent === 0 ? 0 : rows / sent;
  const { callsPerMinute, tokensPerMinute } = job.limits;
  const perMinute = Math.min(
    callsPerMinute ?? Infinity,
    tokensPerMinute === undefined || sent === 0
      ? Infinity
      : tokensPerMinute / ((input + output) / sent),
  );
  return {
    rows: job.rows,
    badShare: 1 - share,
    inputTokens: Math.round(input * scale),
    outputTokens: Math.round(output * scale),
    cost: cost === undefined ? undefined : cost * scale,
    model,
    seconds: perMinute === Infinity ? undefined : (rows / perMinute) * 60,
  };
}
