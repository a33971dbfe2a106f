// From a row of the input to what is sent for it. Pure; made once per run.

import { readAnthropicRequest, readOpenAIRequest } from "../apischema/request-facts.ts";
import type { RequestFacts } from "../apischema/request-facts.ts";
import type { ApiFormat } from "../config/schema.ts";
import type { AnswerShape } from "./answer-shape.ts";
import type { InputRow } from "./input-row.ts";
import { promptRequest, type PromptSettings, type WrongAnswer } from "./prompt-request.ts";
import type { PromptTemplate } from "./prompt-template.ts";
import { readRequestLine } from "./request-line.ts";

/** What a run asks for: requests that are in the input, or a prompt for each row. */
export type BatchTask =
  | { readonly kind: "requests"; readonly model: string | undefined }
  | {
      readonly kind: "prompt";
      readonly api: ApiFormat;
      readonly model: string;
      readonly prompt: PromptTemplate;
      readonly system: PromptTemplate;
      readonly maxTokens: number | undefined;
      readonly temperature: number | undefined;
      readonly shape: AnswerShape | undefined;
      /** The same for every row: what a trace says of a request is not in its texts. */
      readonly facts: RequestFacts;
      readonly factsJson: string;
    };

export type RowPlan =
  | { readonly ok: false; readonly problem: string }
  | {
      readonly ok: true;
      readonly api: ApiFormat;
      /** Of request lines; empty otherwise. */
      readonly customId: string;
      readonly shape: AnswerShape | undefined;
      /** What is read of the request for the trace, and its JSON. */
      readonly facts: RequestFacts;
      readonly factsJson: string;
      /** JSON. */
      readonly request: (wrong?: WrongAnswer) => string;
      /** Roughly what it takes of a limit by tokens. */
      readonly tokens: number;
    };

/** English and JSON alike: about four characters a token. */
const charsPerToken = 4;
const labelTokens = 16;
const replyTokens = 256;

export function planRow(row: InputRow, task: BatchTask): RowPlan {
  if (row.problem !== "") return { ok: false, problem: row.problem };
  return task.kind === "requests" ? planRequest(row, task.model) : planPrompt(row, task);
}

/** Tokens of a request before anybody has counted them. */
export function estimateTokens(
  chars: number,
  maxTokens: number | undefined,
  isLabel: boolean,
): {
  readonly input: number;
  readonly output: number;
} {
  const usual = isLabel ? labelTokens : replyTokens;
  return { input: Math.ceil(chars / charsPerToken), output: Math.min(usual, maxTokens ?? usual) };
}

/** @throws Error when the settings make no request that could be sent */
export function promptFacts(settings: PromptSettings): RequestFacts {
  const body = promptRequest(settings, { system: "", user: "" });
  const read = readRequest(settings.api, body);
  if (!read.ok) throw new Error(read.message);
  return read.facts;
}

function planPrompt(row: InputRow, task: Extract<BatchTask, { kind: "prompt" }>): RowPlan {
  const user = task.prompt.render(row.fields);
  if (!user.ok) return { ok: false, problem: `no column ${user.column}` };
  const system = task.system.render(row.fields);
  if (!system.ok) return { ok: false, problem: `no column ${system.column}` };
  const chars = user.text.length + system.text.length;
  const { input, output } = estimateTokens(chars, task.maxTokens, task.shape !== undefined);
  return {
    ok: true,
    api: task.api,
    customId: "",
    shape: task.shape,
    tokens: input + output,
    facts: task.facts,
    factsJson: task.factsJson,
    request: (wrong) =>
      JSON.stringify(promptRequest(task, { system: system.text, user: user.text, wrong })),
  };
}

function planRequest(row: InputRow, model: string | undefined): RowPlan {
  const line = readRequestLine(row.fields);
  if (!line.ok) return { ok: false, problem: line.problem };
  const body = model === undefined ? line.body : { ...line.body, model };
  const read = readRequest(line.api, body);
  if (!read.ok) return { ok: false, problem: read.message };
  const text = JSON.stringify(body);
  const { input, output } = estimateTokens(text.length, read.facts.maxTokens, false);
  return {
    ok: true,
    api: line.api,
    customId: line.customId,
    shape: undefined,
    tokens: input + output,
    facts: read.facts,
    factsJson: JSON.stringify(read.facts),
    request: () => text,
  };
}

function readRequest(api: ApiFormat, body: unknown): ReturnType<typeof readOpenAIRequest> {
  return api === "openai" ? readOpenAIRequest(body) : readAnthropicRequest(body);
}
