// A run of a batch, main thread: reads the input in order, lets rows through the gate, writes what they became in
// the same order. No row is sent that the ledger has an answer for.

import type { Config } from "../config/schema.ts";
import type { Account } from "../protocol/exporter-message.ts";
import { systemClock } from "../tracing/recorder/clock.ts";
import { createIdSource } from "../tracing/recorder/ids.ts";
import type { SpanContext } from "../tracing/recorder/propagation.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import { createSpanWriter } from "../tracing/recorder/span-writer.ts";
import { truthOf, type BatchJob } from "./batch-job.ts";
import { startBatchThreads } from "./batch-threads.ts";
import { createCostGuard } from "./cost-guard.ts";
import type { InputRow } from "./input-row.ts";
import { createKnownRows, type KnownRow, type ReadRows } from "./known-rows.ts";
import { openOutput } from "./output-sink.ts";
import { createRefusalWatch } from "./refusal-watch.ts";
import { createRateLimiter, type LimiterPicture } from "./rate-limiter.ts";
import { planRow } from "./row-plan.ts";
import { createRowOutput } from "./row-output.ts";
import { createRecordMaker } from "./row-record.ts";
import { runRow, type RowRunDeps } from "./row-run.ts";
import type { GoodPlan } from "./row-state.ts";
import { createRowWriter } from "./row-writer.ts";
import { createRunTrace, rowsInOneTraceMax } from "./run-trace.ts";
import { createSendGate, type GatePass } from "./send-gate.ts";
import { createTally, type RowRecord, type Spent, type TallyFigures } from "./tally.ts";

/** A batch's rows in its ledger, once the exporter has it open. */
export interface BatchRows {
  readonly spent: Spent;
  readonly read: ReadRows;
  readonly result: (row: number) => string | undefined;
  readonly close: () => void;
}

export interface RunOptions {
  /** With what {@link batchConfig} changes. */
  readonly config: Config;
  readonly version: string;
  /** The batch's number and the run's name in the ledger. */
  readonly batch: number;
  readonly run: string;
  readonly caller: SpanContext | undefined;
  readonly openRows: () => BatchRows;
  readonly notice: (level: "info" | "warning" | "error", text: string) => void;
}

export interface BatchProgress {
  readonly figures: TallyFigures;
  readonly picture: LimiterPicture;
  readonly rows: number;
  readonly elapsedMs: number;
}

export interface BatchEnd extends BatchProgress {
  readonly traceId: string;
  /** Why it ended early; empty when it did not. */
  readonly stoppedBy: string;
  /** Undefined when the exporter did not answer any more. */
  readonly ledger: Account | undefined;
}

export interface BatchRun {
  readonly done: Promise<BatchEnd>;
  readonly progress: () => BatchProgress;
  /** What is in flight is finished, nothing new is sent. */
  readonly stop: (why: string) => void;
}

const exportMsMin = 15_000;

/** @throws BatchStartError when threads or ledger cannot start */
export async function startBatch(job: BatchJob, options: RunOptions): Promise<BatchRun> {
  const { config, notice } = options;
  const clock = systemClock;
  const threads = await startBatchThreads(config, options.version, notice);
  const { exporter } = threads;
  const startedMs = clock();
  const gate = createSendGate(createRateLimiter(job.limits, startedMs), clock);
  const tally = createTally();
  let stoppedBy = "";

  const stop = (why: string): void => {
    if (stoppedBy === "") stoppedBy = why;
    gate.close();
  };
  const progress = (): BatchProgress => ({
    figures: tally.figures(),
    picture: gate.picture(),
    rows: job.rows,
    elapsedMs: clock() - startedMs,
  });

  const run = async (): Promise<BatchEnd> => {
    const began = await exporter.commit({
      kind: "batch",
      call: options.run,
      batch: options.batch,
      name: job.name,
      run: options.run,
      description: job.description,
      restart: job.restart,
    });
    if (began !== "committed") stop("the ledger does not take the batch");
    const deps = { clock, ids: createIdSource(), writer: createSpanWriter() };
    const trace = createRunTrace(
      {
        run: options.run,
        rows: job.rows,
        tracePerRow: job.tracePerRow || job.rows > rowsInOneTraceMax,
        caller: options.caller,
        sampler: config.tracing.sampler,
        attributes: { [attr.batchRows]: job.rows },
      },
      deps,
    );
    const rootCall = deps.ids.callId();
    const sealed = { call: rootCall, spanCount: 1, sampled: trace.sampled };
    const rootSpan = (): string => trace.spans.encode(trace.common);
    exporter.journal({ kind: "journal", part: "server", spans: rootSpan(), ...sealed });

    const runDeps = { ...deps, ...threads, config, trace, batch: options.batch };
    const rows = options.openRows();
    try {
      await sendRows(
        job,
        { ...runDeps, answerRetries: job.answerRetries },
        { gate, tally, rows, stop, isStopped: () => stoppedBy !== "" },
      );
    } catch (error) {
      stop(error instanceof Error ? error.message : String(error));
      await gate.empty();
    } finally {
      rows.close();
    }
    const { failed } = tally.figures();
    trace.root.attributes[attr.batchRowsFailed] = failed;
    if (stoppedBy !== "") trace.spans.fail(trace.root, "stopped", stoppedBy);
    trace.spans.end(trace.root);
    await exporter.commit({ kind: "finished", spans: rootSpan(), ...sealed });
    const exportMs = Math.max(exportMsMin, config.server.exportOnExitMs);
    const end = progress();
    const ledger = await threads.stop(exportMs);
    return { ...end, traceId: trace.traceId, stoppedBy, ledger };
  };
  return { done: run(), progress, stop };
}

interface Sending {
  readonly gate: ReturnType<typeof createSendGate>;
  readonly tally: ReturnType<typeof createTally>;
  readonly rows: BatchRows;
  readonly stop: (why: string) => void;
  readonly isStopped: () => boolean;
}

async function sendRows(job: BatchJob, deps: RowRunDeps, sending: Sending): Promise<void> {
  const { gate, tally, rows } = sending;
  tally.addSpent(rows.spent);
  const output = createRowOutput({
    form: job.outputForm,
    delimiter: job.outputDelimiter,
    columns: job.survey.columns,
    hasLabel: job.task.kind === "prompt" && job.task.shape !== undefined,
  });
  const records = createRecordMaker(job, output);
  const header = job.task.kind === "requests" ? "" : output.header;
  const writer = createRowWriter(openOutput(job.output), header);
  const knownRow = createKnownRows(rows.read);
  const cost = createCostGuard(job.maxCost, rows.spent.cost);
  const refusal = createRefusalWatch();
  let place = 0;

  const send = async (
    row: InputRow,
    at: number,
    { plan, pass }: { readonly plan: GoodPlan; readonly pass: GatePass },
  ): Promise<void> => {
    let record: RowRecord | undefined;
    try {
      await runRow(
        row,
        { plan, pass },
        (outcome) => {
          record = records.settled(row, plan, outcome);
          return JSON.stringify(record);
        },
        deps,
      );
      if (record === undefined) return;
      tally.add(record, false);
      const hopeless = refusal(record);
      if (hopeless !== undefined) sending.stop(hopeless);
      writer.put(at, record.line, () => reread(rows, row.number));
    } catch (error) {
      sending.stop(error instanceof Error ? error.message : String(error));
    } finally {
      cost.settled(record?.cost ?? 0);
      pass.leave();
    }
  };

  const keep = (known: KnownRow, row: InputRow, at: number): void => {
    const record = JSON.parse(known.result) as RowRecord;
    tally.add({ ...record, truth: truthOf(row, job.truth) }, true);
    writer.put(at, record.line, () => reread(rows, known.row));
  };

  const takeRow = async (row: InputRow): Promise<void> => {
    const at = place++;
    const plan = planRow(row, job.task);
    if (!plan.ok) {
      const record = records.bad(row, plan.problem);
      tally.add(record, false);
      writer.put(at, record.line, undefined);
      return;
    }
    const known = knownRow(row.number);
    if (known?.state === "ok" || (known?.state === "failed" && !job.retryFailed)) {
      keep(known, row, at);
      return;
    }
    if (!(await cost.allows())) return sending.stop(`--max-cost ${job.maxCost} is reached`);
    const pass = await gate.enter(plan.tokens);
    if (pass === undefined) return;
    cost.sent();
    if (known?.state === "open") tally.addSentAgain();
    void send(row, at, { plan, pass });
  };

  for await (const batch of job.input.rows()) {
    for (const row of batch) {
      if (sending.isStopped()) break;
      if (job.isChosen(row.number)) await takeRow(row);
    }
    if (sending.isStopped()) break;
    await writer.drained();
  }
  await gate.empty();
  await writer.end();
}

/** A line that was let go of while it waited for an earlier one. */
function reread(rows: BatchRows, row: number): string {
  const result = rows.result(row);
  return result === undefined || result === "" ? "" : (JSON.parse(result) as RowRecord).line;
}
