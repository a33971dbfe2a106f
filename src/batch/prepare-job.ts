// From the command line to a job: reads the input once, checks all that can be wrong before the first call. Main
// thread. Every problem is a line for a person.

import { isUtf8 } from "node:buffer";
import { existsSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";

import { parseLooseObject } from "../apischema/loose-json.ts";
import type { ApiFormat, Config } from "../config/schema.ts";
import { resolveModel } from "../server/resolve-model.ts";
import { labelShape, schemaShape, type AnswerShape } from "./answer-shape.ts";
import type { BatchJob } from "./batch-job.ts";
import { readOptions, type BatchOptions, type GivenOptions } from "./batch-options.ts";
import { chooseRows } from "./choose-rows.ts";
import { fileProblem } from "./file-problem.ts";
import { formOfName, openInput, type InputSource } from "./input-source.ts";
import { parseTemplate } from "./prompt-template.ts";
import { isRequestLine } from "./request-line.ts";
import { promptFacts, type BatchTask } from "./row-plan.ts";
import { surveyInput, type Survey } from "./survey-input.ts";

export type PreparedJob =
  | { readonly ok: true; readonly job: BatchJob }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface PrepareOptions {
  readonly given: GivenOptions;
  readonly config: Config;
  /** The input's file; what stdin said, when that was kept. */
  readonly inputPath: string;
  /** What a person knows it under; without one it is the path. */
  readonly inputName?: string;
  readonly output: string;
  readonly name: string;
  readonly workingDirectory: string;
}

/** Of `--concurrency auto`: 600 calls a second that take five seconds each are 3,000 at once. */
export const slotsMax = 5000;
/** Of no use to requests. */
const promptOptions = ["system", "labels", "schema", "max-tokens", "temperature", "answer-retries"];
/** Of models, in a message. */
const namesMax = 10;

export async function prepareJob(from: PrepareOptions): Promise<PreparedJob> {
  const read = readOptions(from.given);
  if (!read.ok) return read;
  const problems = inputIsOutput(from);
  if (problems.length > 0) return { ok: false, problems };
  try {
    const input = await openInput({
      path: from.inputPath,
      name: from.inputName ?? from.inputPath,
      delimiter: read.options.delimiter,
    });
    const survey = await surveyInput(input);
    const task = readTask(from, read.options, { survey, problems });
    if (task === undefined) return { ok: false, problems };
    problems.push(...inputProblems(from, { survey, task }));
    if (problems.length > 0) return { ok: false, problems };
    return { ok: true, job: toJob(from, read.options, { input, survey, task }) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, problems: [...problems, message] };
  }
}

function readTask(
  from: PrepareOptions,
  options: BatchOptions,
  { survey, problems }: { readonly survey: Survey; readonly problems: string[] },
): BatchTask | undefined {
  const { given, config } = from;
  const model = textOption(given, "model");
  if (given["prompt"] === undefined) {
    problems.push(...requestProblems(from, survey));
    return { kind: "requests", model };
  }
  if (model === undefined) {
    problems.push("--model is missing");
    return undefined;
  }
  const api = apiOf(config, model);
  if (api === undefined) {
    problems.push(unknownModel(config, model));
    return undefined;
  }
  const { maxTokens, temperature } = options;
  const prompt = parseTemplate(textOrFile(from, "prompt"));
  const system = parseTemplate(textOrFile(from, "system"));
  const shape = readShape(from, options);
  const settings = { api, model, maxTokens, temperature, shape };
  const facts = promptFacts(settings);
  return { kind: "prompt", ...settings, prompt, system, facts, factsJson: JSON.stringify(facts) };
}

/** What is wrong with an input whose lines are to be requests. */
function requestProblems({ given, config }: PrepareOptions, survey: Survey): string[] {
  const { sample, firstBad, rows } = survey;
  const [first] = sample;
  if (first === undefined ? rows > 0 : !isRequestLine(first.fields)) {
    const bad = first === undefined && firstBad !== undefined ? firstBad : undefined;
    return [
      "--prompt is missing: what is to be asked of each row, such as 'Which language? {{text}}' or @file; " +
        "without it the input's lines have to be requests (custom_id and body, or params)" +
        (bad === undefined ? "" : `, but no row can be read: line ${bad.line}: ${bad.problem}`),
    ];
  }
  const problems: string[] = [];
  const idle = promptOptions.filter((name) => given[name] !== undefined);
  if (idle.length > 0) {
    const names = idle.map((name) => `--${name}`).join(", ");
    problems.push(`--prompt is missing, which ${names} go with; requests are sent as they are`);
  }
  const model = textOption(given, "model");
  if (model !== undefined && apiOf(config, model) === undefined) {
    problems.push(unknownModel(config, model));
  }
  return problems;
}

function readShape(from: PrepareOptions, options: BatchOptions): AnswerShape | undefined {
  if (options.labels !== undefined) return labelShape(options.labels);
  const path = textOption(from.given, "schema");
  if (path === undefined) return undefined;
  const schema = parseLooseObject(readOptionFile(from, "schema", path));
  if (schema === undefined) throw new Error(`--schema: ${path}: it is no JSON object`);
  return schemaShape(schema);
}

/** The output is written anew by each start: what stands there is gone then. */
function inputIsOutput({ inputPath, output }: PrepareOptions): string[] {
  if (output === "-" || !existsSync(output)) return [];
  const [there, input] = [statSync(output), statSync(inputPath)];
  if (there.ino !== input.ino || there.dev !== input.dev) return [];
  return ["--output: that is the input, which would be written over"];
}

/** What is wrong with the input as a whole. */
function inputProblems(
  { given, output }: PrepareOptions,
  { survey, task }: { readonly survey: Survey; readonly task: BatchTask },
): string[] {
  const problems: string[] = [];
  const known = new Set(survey.columns);
  const names = survey.columns.slice(0, 30).join(", ");
  const need = (option: string, columns: readonly string[]): void => {
    for (const column of columns) {
      if (known.has(column) || (known.size === 0 && survey.sample.length === 0)) continue;
      problems.push(
        `${option}: the input has no column ${JSON.stringify(column)}; it has ${names}`,
      );
    }
  };
  if (task.kind === "prompt") {
    need("--prompt", task.prompt.columns);
    need("--system", task.system.columns);
  }
  const truth = textOption(given, "truth");
  if (truth !== undefined) need("--truth", [truth]);
  if (truth !== undefined && (task.kind !== "prompt" || task.shape === undefined)) {
    problems.push("--truth goes with --labels or --schema");
  }
  if (given["strict"] === true && survey.firstBad !== undefined) {
    const { line, problem } = survey.firstBad;
    problems.push(`--strict: ${survey.badRows} bad rows, the first at line ${line}: ${problem}`);
  }
  if (task.kind === "requests" && formOfName(output) === "csv") {
    problems.push("--output: results of requests are JSON lines, not CSV");
  }
  return problems;
}

function toJob(
  from: PrepareOptions,
  options: BatchOptions,
  {
    input,
    survey,
    task,
  }: { readonly input: InputSource; readonly survey: Survey; readonly task: BatchTask },
): BatchJob {
  const { given, output, config } = from;
  const { sample, seed } = options;
  const isRequests = task.kind === "requests";
  const outputForm = isRequests ? "jsonl" : (formOfName(output) ?? input.form);
  const isTsv = /\.tsv(?:\.gz)?$/i.test(output);
  const isCsv = /\.csv(?:\.gz)?$/i.test(output);
  // A .csv stays as the input's, unless that was separated by tabs.
  const isOther = input.form !== "csv" || (isCsv && input.delimiter === "\t");
  const outputDelimiter = isTsv ? "\t" : isOther ? "," : input.delimiter;
  const truth = textOption(given, "truth");
  const description = {
    input: survey.sha256,
    "form of the input": [input.form, input.form === "csv" ? input.delimiter : ""],
    "form of the output": [outputForm, outputDelimiter],
    model: task.model,
    prompt: isRequests ? undefined : textOrFile(from, "prompt"),
    system: isRequests ? undefined : textOrFile(from, "system"),
    "labels or schema": task.kind === "prompt" ? task.shape?.schema : undefined,
    "--max-tokens": options.maxTokens,
    "--temperature": options.temperature,
    "--sample": sample,
    "--seed": seed,
  };
  return {
    name: from.name,
    output,
    outputForm,
    outputDelimiter,
    input,
    survey,
    isChosen: chooseRows(survey.rows, sample === undefined ? undefined : { rows: sample, seed }),
    rows: Math.min(survey.rows, sample ?? Infinity),
    task,
    truth,
    maxCost: options.maxCost,
    limits: {
      concurrency: options.concurrency,
      concurrencyMax: Math.min(slotsMax, ...config.providers.map((each) => each.concurrency)),
      callsPerMinute: options.callsPerMinute,
      tokensPerMinute: options.tokensPerMinute,
    },
    answerRetries: options.answerRetries,
    tracePerRow: options.tracePerRow,
    retryFailed: given["retry-failed"] === true,
    restart: given["restart"] === true,
    description: JSON.stringify(description),
  };
}

/** The format of the provider that serves the model; without a list, Claude is Anthropic's. */
export function apiOf(config: Config, model: string): ApiFormat | undefined {
  const guess: ApiFormat = /claude/i.test(model) ? "anthropic" : "openai";
  const other: ApiFormat = guess === "openai" ? "anthropic" : "openai";
  for (const api of [guess, other]) {
    try {
      if (resolveModel(config, api, model).provider.api === api) return api;
    } catch {
      // Not served in this format: the other one is tried, and then it is the user's to know.
    }
  }
  return undefined;
}

function unknownModel({ models = [] }: Config, model: string): string {
  const names = models.slice(0, namesMax).map(({ name }) => name);
  const more = models.length > namesMax ? ` and ${models.length - namesMax} more` : "";
  return `--model: ${JSON.stringify(model)} is not configured; these are: ${names.join(", ")}${more}`;
}

function textOption(given: GivenOptions, name: string): string | undefined {
  const value = given[name];
  return typeof value === "string" ? value : undefined;
}

/** A text, or with `@` in front a file's. `@@` begins a text that begins with `@`. */
function textOrFile(from: PrepareOptions, name: string): string {
  const written = textOption(from.given, name) ?? "";
  if (written.startsWith("@@")) return written.slice(1);
  if (!written.startsWith("@")) return written;
  return readOptionFile(from, name, written.slice(1));
}

function readOptionFile(
  { workingDirectory }: PrepareOptions,
  option: string,
  path: string,
): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(resolve(workingDirectory, path));
  } catch (error) {
    throw new Error(`--${option}: ${path}: ${fileProblem(error)}`, { cause: error });
  }
  if (!isUtf8(bytes)) throw new Error(`--${option}: ${path}: it is not UTF-8`);
  return new TextDecoder().decode(bytes);
}
