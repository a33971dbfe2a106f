// `everyspan batch`: a file of rows through a model, as fast as the provider allows, every row accounted for. Main
// thread. Exit codes: 0 all rows ok, 1 some failed or left out, 2 usage.

import { availableParallelism } from "node:os";

import { defineCommand } from "citty";
import type { ArgsDef, CommandDef } from "citty";

import { differences, type BatchJob, type JobDescription } from "../batch/batch-job.ts";
import { batchConfig, BatchStartError } from "../batch/batch-threads.ts";
import { dryRun } from "../batch/dry-run.ts";
import { prepareJob } from "../batch/prepare-job.ts";
import { startBatch, type RunOptions } from "../batch/run-batch.ts";
import { readEnvironment, variable } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { resolveModel } from "../server/resolve-model.ts";
import { parseTraceparent } from "../tracing/recorder/propagation.ts";
import {
  openBatchReader,
  openBatchRows,
  type KnownBatch,
} from "../tracing/exporter/batch-reader.ts";
import { version } from "../version.ts";
import { batchFiles, outputFault, takeInput } from "./batch-files.ts";
import { showProgress } from "./batch-progress.ts";
import { priceTokens } from "./batch-price.ts";
import { accountText, dryRunText } from "./batch-text.ts";
import { findProblems, problemsText } from "./check.ts";
import { onLeaveSignal } from "./leave-signals.ts";
import { print } from "./print.ts";

const options = {
  input: {
    type: "positional",
    required: true,
    description: "JSONL, CSV or TSV, also .gz; - for stdin",
  },
  output: {
    type: "string",
    valueHint: "FILE",
    description: "Where the rows go (.gz: compressed); - for stdout",
  },
  model: { type: "string", description: "The model to ask" },
  prompt: {
    type: "string",
    valueHint: "TEXT",
    description: "What is asked of each row, with {{column}}; or @file",
  },
  system: {
    type: "string",
    valueHint: "TEXT",
    description: "System prompt, with {{column}}; or @file",
  },
  labels: { type: "string", valueHint: "A,B,C", description: "The answer is one of these" },
  schema: { type: "string", valueHint: "FILE", description: "The answer is JSON of this schema" },
  truth: { type: "string", valueHint: "COLUMN", description: "Compare labels with this column" },
  sample: {
    type: "string",
    valueHint: "N",
    description: "Only N rows: the first, or with --seed random ones",
  },
  seed: { type: "string", valueHint: "N", description: "Chooses the random rows of --sample" },
  "max-tokens": { type: "string", valueHint: "N", description: "Longest reply" },
  temperature: { type: "string", valueHint: "T", description: "Sampling temperature" },
  "answer-retries": {
    type: "string",
    valueHint: "N",
    description: "Tries after a wrong answer (default: 2)",
  },
  concurrency: {
    type: "string",
    valueHint: "auto|N",
    description: "Rows in flight (default: auto)",
  },
  rpm: { type: "string", valueHint: "N", description: "Calls a minute at most" },
  tpm: { type: "string", valueHint: "N", description: "Tokens a minute at most" },
  "max-cost": { type: "string", valueHint: "USD", description: "Stop before more is spent" },
  "dry-run": { type: "boolean", description: "Say what it would take, send nothing" },
  "retry-failed": { type: "boolean", description: "Send rows again that failed before" },
  restart: { type: "boolean", description: "Forget what earlier runs of this output have" },
  strict: { type: "boolean", description: "Do not begin when a row cannot be read" },
  trace: {
    type: "string",
    valueHint: "run|row",
    description: "One trace for all (up to 1,000 rows), or one each",
  },
  delimiter: { type: "string", valueHint: "C", description: "Of CSV (default: found out)" },
  config: { type: "string", valueHint: "FILE", description: "Configuration file" },
} as const satisfies ArgsDef;

/** Rows need no more threads than that to be sent: the rest of the cores are for the ledger and for sockets. */
const workersShare = 0.5;
const exitFailed = 1;
const exitUsage = 2;

const command = defineCommand({
  meta: { name: "batch", description: "Send every row of a file to a model, resumable" },
  args: options,
  async run({ args }) {
    const given: Given = args;
    const output = given.output;
    if (output === undefined) return fail(["--output is missing"], exitUsage);
    const environment = readEnvironment();
    const files = batchFiles(given.input, output);
    const loaded = loadConfig({
      path: given.config,
      environment,
      workingDirectory: process.cwd(),
      usualLedger: files.usualLedger,
      cores: Math.ceil(availableParallelism() * workersShare),
    });
    const problems = await findProblems(loaded);
    if (!loaded.ok || problems.length > 0) {
      return fail([problemsText(loaded.source, problems)], exitUsage);
    }
    const early = given.input === "-" ? outputFault(output, files) : undefined;
    if (early !== undefined) return fail([early], exitUsage);
    const taken = await takeInput(given.input, files);
    if (!taken.ok) return fail([taken.problem], exitUsage);
    const prepared = await prepareJob({
      given: args as Parameters<typeof prepareJob>[0]["given"],
      config: loaded.config,
      inputPath: taken.path,
      inputName: given.input === "-" ? "stdin" : given.input,
      output: files.output,
      name: files.name,
      workingDirectory: process.cwd(),
    });
    if (!prepared.ok) return fail(prepared.problems, exitUsage);
    const { job } = prepared;
    const price = priceTokens(loaded.config.pricing);
    const estimate = dryRun(job, price);
    if (given["dry-run"] === true) {
      print(dryRunText(estimate));
      process.exit(0);
    }
    const problem =
      keyProblem(loaded.config, job) ?? costProblem(job, estimate) ?? outputFault(output, files);
    if (problem !== undefined) return fail([problem], exitUsage);
    const caller = parseTraceparent(
      variable(environment, "TRACEPARENT"),
      variable(environment, "TRACESTATE"),
    );
    const rowCost = (estimate.cost ?? 0) / Math.max(1, estimate.rows);
    process.exit(await runJob(job, loaded.config, { caller, rowCost }));
  },
});

export const batch: CommandDef = command as unknown as CommandDef;

interface Given {
  readonly input: string;
  readonly output?: string | undefined;
  readonly config?: string | undefined;
  readonly "dry-run"?: boolean | undefined;
}

/** Runs it to its end and says how it went; the exit code. */
async function runJob(
  job: BatchJob,
  loaded: Config,
  { caller, rowCost }: Pick<RunOptions, "caller" | "rowCost">,
): Promise<number> {
  const ledgerPath = loaded.tracing.ledger.path;
  /** Told in a way that does not break the progress line, once there is one. */
  const line = { say: (text: string): void => console.warn(text) };
  if (job.survey.rows === 0) line.say(`warning: ${job.input.name} has no rows`);
  try {
    const { batch: number, run, problem } = knownBatch(ledgerPath, job);
    if (problem !== undefined) return fail([problem], exitUsage);
    const running = await startBatch(job, {
      config: batchConfig(loaded, ledgerPath, roomFor(job)),
      version,
      batch: number,
      run,
      caller,
      rowCost,
      openRows: () => openBatchRows(ledgerPath, number),
      notice: (level, text) => line.say(`${level}: ${text}`),
    });
    const shown = showProgress(running.progress, variable(readEnvironment(), "TERM"));
    line.say = shown.say;
    onLeaveSignal(
      (signal) => {
        shown.say(`${signal}: finishing the rows in flight (once more to leave now)`);
        running.stop(signal);
      },
      () => process.exit(exitFailed), // the ledger has all that ended
    );
    const end = await running.done;
    shown.end();
    shown.say(accountText(end));
    const isAllOk = end.stoppedBy === "" && end.figures.ok === job.rows;
    return isAllOk ? 0 : exitFailed;
  } catch (error) {
    if (!(error instanceof BatchStartError)) throw error;
    return fail([error.message], exitFailed);
  }
}

/**
 * What an earlier run of this output has, if it can be gone on with.
 *
 * @throws BatchStartError when the ledger cannot be read
 */
function knownBatch(
  ledgerPath: string,
  job: BatchJob,
): { readonly batch: number; readonly run: string; readonly problem?: string } {
  const reader = openBatchReader(ledgerPath);
  try {
    const known = reader?.find(job.name);
    const batchNumber = known?.batch ?? reader?.nextNumber() ?? 1;
    const fresh = { batch: batchNumber, run: Bun.randomUUIDv7() };
    if (known === undefined || job.restart) return fresh;
    const different = differingNames(known, job);
    if (different.length === 0) return { batch: known.batch, run: known.run };
    const what = different.join(", ");
    const problem =
      `${job.name} was begun with another ${what}; give it another --output, ` +
      `or --restart to forget the rows it has`;
    return { ...fresh, problem };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const problem = `ledger ${ledgerPath}: ${message}; move it away to start with a new one`;
    throw new BatchStartError(problem, { cause: error });
  } finally {
    reader?.close();
  }
}

function differingNames(known: KnownBatch, job: BatchJob): string[] {
  const parse = (text: string): JobDescription => JSON.parse(text) as JobDescription;
  return differences(parse(known.description), parse(job.description));
}

/** Results are as large as the input and some more. */
function roomFor(job: BatchJob): number {
  return job.survey.sizeBytes * 4 + job.rows * 4096;
}

function keyProblem(config: Config, { task }: BatchJob): string | undefined {
  if (task.kind !== "prompt") return undefined; // each line has a model of its own
  const { provider } = resolveModel(config, task.api, task.model);
  const isPublic = /\/\/api\.(?:openai|anthropic)\.com/.test(provider.baseUrl);
  if (!isPublic || provider.apiKey !== undefined) return undefined;
  return `no key for ${provider.name}: set ${task.api.toUpperCase()}_API_KEY, or api_key of that provider`;
}

function costProblem(job: BatchJob, estimate: ReturnType<typeof dryRun>): string | undefined {
  if (job.maxCost === undefined || estimate.cost !== undefined) return undefined;
  return `--max-cost: no price is known for ${estimate.model}; give one under pricing in the configuration`;
}

function fail(problems: readonly string[], code: number): never {
  for (const problem of problems) console.error(problem);
  process.exit(code);
}
