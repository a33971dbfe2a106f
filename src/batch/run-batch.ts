// A run of a batch from its threads' start to its account, main thread: the root span, what stops it, what is told
// of it. The rows themselves are send-rows.ts's.

import type { Config } from "../config/schema.ts";
import type { Account } from "../protocol/exporter-message.ts";
import { createWallClock } from "../tracing/recorder/clock.ts";
import { createIdSource } from "../tracing/recorder/ids.ts";
import type { SpanContext } from "../tracing/recorder/propagation.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import { createSpanWriter } from "../tracing/recorder/span-writer.ts";
import type { BatchJob } from "./batch-job.ts";
import { startBatchThreads, type BatchThreadsOptions } from "./batch-threads.ts";
import type { BatchRows } from "./known-rows.ts";
import { createRateLimiter, type LimiterPicture } from "./rate-limiter.ts";
import { createTaskMaker } from "./row-task.ts";
import { createRunTrace, rowsInOneTraceMax } from "./run-trace.ts";
import { createSendGate } from "./send-gate.ts";
import { sendRows } from "./send-rows.ts";
import { createTally, type TallyFigures } from "./tally.ts";

export interface RunOptions extends BatchThreadsOptions {
  /** With what {@link batchConfig} changes. */
  readonly config: Config;
  /** The batch's number and the run's name in the ledger. */
  readonly batch: number;
  readonly run: string;
  readonly caller: SpanContext | undefined;
  /** What a row is expected to cost, USD. */
  readonly rowCost?: number | undefined;
  readonly openRows: () => BatchRows;
}

export interface BatchProgress {
  readonly figures: TallyFigures;
  readonly picture: LimiterPicture;
  readonly rows: number;
  readonly elapsedMs: number;
  /** How long nothing will be sent, as the provider said or for it serves nobody. */
  readonly pauseMs: number;
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
  const { config } = options;
  const clock = createWallClock();
  const threads = await startBatchThreads(config, options);
  const { exporter } = threads;
  const startedMs = clock();
  const gate = createSendGate(createRateLimiter(job.limits, startedMs), clock);
  const tally = createTally(job.truth !== undefined);
  let stoppedBy = "";

  const stop = (why: string): void => {
    if (stoppedBy === "") stoppedBy = why;
    gate.close();
  };
  const progress = (): BatchProgress => {
    const [nowMs, picture] = [clock(), gate.picture()];
    return {
      figures: tally.figures(),
      picture,
      rows: job.rows,
      elapsedMs: nowMs - startedMs,
      pauseMs: Math.max(0, picture.pausedUntilMs - nowMs),
    };
  };

  const run = async (): Promise<BatchEnd> => {
    const deps = { clock, ids: createIdSource(), writer: createSpanWriter() };
    const trace = createRunTrace(
      {
        run: options.run,
        rows: job.rows,
        model: job.task.model ?? "",
        tracePerRow: job.tracePerRow || job.rows > rowsInOneTraceMax,
        caller: options.caller,
        sampler: config.tracing.sampler,
        attributes: { [attr.batchRows]: job.rows },
      },
      deps,
    );
    const began = await exporter.commit({
      kind: "batch",
      call: options.run,
      batch: options.batch,
      name: job.name,
      run: options.run,
      description: job.description,
      origin: JSON.stringify(trace.origin),
      restart: job.restart,
    });
    if (began !== "committed") stop("the ledger does not take the batch");
    const rootCall = deps.ids.callId();
    const sealed = { call: rootCall, spanCount: 1, sampled: trace.sampled };
    const rootSpan = (): string => trace.spans.encode(trace.common);
    exporter.journal({ kind: "journal", part: "server", spans: rootSpan(), ...sealed });

    let rows: BatchRows | undefined;
    try {
      rows = options.openRows();
      const { origin } = trace;
      await sendRows(job, {
        flow: {
          ...deps,
          ...threads,
          gate,
          trace,
          origin,
          batch: options.batch,
          taskOf: createTaskMaker(config, origin),
          answerRetries: job.answerRetries,
        },
        tally,
        rows,
        rowCost: options.rowCost,
        stop,
        isStopped: () => stoppedBy !== "",
      });
    } catch (error) {
      stop(error instanceof Error ? error.message : String(error));
      await gate.empty();
    } finally {
      rows?.close();
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
