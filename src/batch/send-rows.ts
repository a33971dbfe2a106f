// The rows of a run, main thread: reads the input in order, lets rows through the gate, writes what they became in
// the same order. No row is sent that the ledger has an answer for.

import type { KnownRow } from "../protocol/ended-rows.ts";
import { truthOf, type BatchJob } from "./batch-job.ts";
import { createCostGuard } from "./cost-guard.ts";
import type { InputRow } from "./input-row.ts";
import { createKnownRows, type BatchRows } from "./known-rows.ts";
import { openOutput } from "./output-sink.ts";
import { createRefusalWatch } from "./refusal-watch.ts";
import { createRowFlow, type RowFlowDeps } from "./row-flow.ts";
import { createRowOutput } from "./row-output.ts";
import { planRow } from "./row-plan.ts";
import { createRecordMaker } from "./row-record.ts";
import { lineOf, readResult } from "./row-result.ts";
import type { GoodPlan } from "./row-state.ts";
import { createRowWriter } from "./row-writer.ts";
import type { Tally } from "./tally.ts";

export interface Sending {
  readonly flow: RowFlowDeps;
  readonly tally: Tally;
  readonly rows: BatchRows;
  /** Expected, USD. */
  readonly rowCost: number | undefined;
  readonly stop: (why: string) => void;
  readonly isStopped: () => boolean;
}

/** Resolves when all of it is sent, settled and written, or what was under way when the run was stopped. */
export async function sendRows(job: BatchJob, sending: Sending): Promise<void> {
  const { tally, rows } = sending;
  const { gate } = sending.flow;
  tally.addSpent(rows.spent);
  const output = createRowOutput({
    form: job.outputForm,
    delimiter: job.outputDelimiter,
    columns: job.survey.columns,
    hasLabel: job.task.kind === "prompt" && job.task.shape !== undefined,
  });
  const makeRecord = createRecordMaker(job, output);
  const header = job.task.kind === "requests" ? "" : output.header;
  const stopFor = (error: unknown): void =>
    sending.stop(error instanceof Error ? error.message : String(error));
  const writer = createRowWriter(await openOutput(job.output), header, { onBroken: stopFor });
  const knownRow = createKnownRows(rows.read);
  const cost = createCostGuard(job.maxCost, rows.spent.cost, sending.rowCost);
  const refusal = createRefusalWatch();
  let place = 0;

  const leave = (spent: number): void => {
    cost.settled(spent);
    gate.leave();
  };

  const flow = createRowFlow(sending.flow, {
    recordOf: ({ row, plan }, outcome) => makeRecord.settled(row, plan, outcome),
    committed(state, record) {
      tally.add(record, false);
      const hopeless = refusal(record);
      if (hopeless !== undefined) sending.stop(hopeless);
      // Of the number alone: the rest of a row is not to wait with its line.
      const { number } = state.row;
      writer.put(state.place, record.line, () => reread(number));
      leave(record.cost);
    },
    broken(state, error) {
      stopFor(error);
      leave(state.cost);
    },
  });

  /** A line that was let go of while it waited for an earlier one. */
  const reread = (row: number): string => {
    const result = rows.result(row);
    if (result === undefined) throw new Error(`the ledger has no result of row ${row}`);
    return lineOf(result);
  };

  const keep = (known: KnownRow, row: InputRow, at: number): void => {
    const truth = truthOf(row, job.truth);
    const record = readResult(known.result, { inputLine: row.line, truth });
    tally.add(record, true);
    const { row: number } = known;
    writer.put(at, record.line, () => reread(number));
  };

  const send = (
    row: InputRow,
    at: number,
    plan: GoodPlan,
    known: KnownRow | undefined,
  ): boolean => {
    const pass = gate.tryEnter(plan.tokens);
    if (pass === undefined) return false;
    cost.sent();
    if (known?.state === "open") tally.addSentAgain();
    flow.send(row, { place: at, plan, pass });
    return true;
  };

  const waitAndSend = async (
    row: InputRow,
    at: number,
    waiting: {
      readonly plan: GoodPlan;
      readonly known: KnownRow | undefined;
      readonly isAllowed: boolean | Promise<boolean>;
    },
  ): Promise<void> => {
    if (!(await waiting.isAllowed)) return sending.stop(`--max-cost ${job.maxCost} is reached`);
    while (await gate.turn()) if (send(row, at, waiting.plan, waiting.known)) return;
  };

  /** Nothing to wait for is the usual case while there are slots: then it is done at once. */
  const takeRow = (row: InputRow): Promise<void> | undefined => {
    const at = place++;
    const plan = planRow(row, job.task);
    if (!plan.ok) {
      const record = makeRecord.bad(row, plan.problem);
      tally.add(record, false);
      writer.put(at, record.line, undefined);
      return undefined;
    }
    const known = knownRow(row.number);
    if (known?.state === "ok" || (known?.state === "failed" && !job.retryFailed)) {
      keep(known, row, at);
      return undefined;
    }
    const isAllowed = cost.allows();
    if (isAllowed === true && send(row, at, plan, known)) return undefined;
    return waitAndSend(row, at, { plan, known, isAllowed });
  };

  const hash = new Bun.CryptoHasher("sha256");
  const changed = `${job.input.name} has changed since the run began (give the old one, or --restart)`;
  for await (const batch of job.input.rows({ onBytes: (chunk) => hash.update(chunk) })) {
    for (const row of batch) {
      if (row.number > job.survey.rows) sending.stop(changed);
      if (sending.isStopped()) break;
      if (!job.isChosen(row.number)) continue;
      const waiting = takeRow(row);
      if (waiting !== undefined) await waiting;
    }
    if (sending.isStopped()) break;
    await writer.drained();
  }
  if (!sending.isStopped() && hash.digest("hex") !== job.survey.sha256) sending.stop(changed);
  await gate.empty();
  await writer.end();
}
