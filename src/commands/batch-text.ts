// What `everyspan batch` tells a person: progress, the account, a dry run. Pure.

import type { DryRun } from "../batch/dry-run.ts";
import { evaluationText } from "../batch/evaluation.ts";
import type { BatchEnd, BatchProgress } from "../batch/run-batch.ts";
import type { TallyFigures } from "../batch/tally.ts";
import { printable } from "./printable.ts";

/** One line of how far it is. */
export function progressText(progress: BatchProgress): string {
  const { figures, picture, rows, elapsedMs } = progress;
  const done = figures.ok + figures.failed;
  const fresh = done - figures.kept;
  const perSecond = fresh / Math.max(0.001, elapsedMs / 1000);
  const left = perSecond > 0 ? durationText(((rows - done) / perSecond) * 1000) : "?";
  const limit = picture.callsPerSecond === undefined ? "" : ` ≤${rate(picture.callsPerSecond)}/s`;
  return (
    `${done}/${rows} rows (${Math.floor((done / Math.max(1, rows)) * 100)} %)  ${rate(perSecond)}/s  ` +
    `in flight ${picture.inFlight} of ${picture.slots}${limit}${pauseText(progress.pauseMs)}  ` +
    `tokens ${count(figures.inputTokens + figures.outputTokens)}  ${costText(figures)}  ` +
    `errors ${figures.failed}  left ${left}`
  );
}

/** Short ones are of no interest to a person. */
function pauseText(ms: number): string {
  return ms < 1000 ? "" : `, waits ${durationText(ms)} for the provider`;
}

/** The account at the end. */
export function accountText(end: BatchEnd): string {
  const { figures, rows, elapsedMs, picture, ledger } = end;
  const done = figures.ok + figures.failed;
  const again = figures.sentAgain === 0 ? "" : `   sent again ${figures.sentAgain}`;
  const kept = figures.kept === 0 ? "" : `   (${figures.kept} from before)`;
  const p = (value: number | undefined): string =>
    value === undefined ? "-" : durationText(value);
  const lines = [
    `rows      ok ${figures.ok}   failed ${figures.failed}   skipped ${rows - done}${kept}`,
    `calls     retries ${figures.retries}   refused ${picture.refused}${again}`,
    `tokens    input ${figures.inputTokens}   output ${figures.outputTokens}`,
    `cost      ${costText(figures)}`,
    `time      ${durationText(elapsedMs)}   p50 ${p(figures.p50Ms)}   p95 ${p(figures.p95Ms)}`,
  ];
  if (ledger !== undefined) lines.push(...spansText(ledger));
  for (const { error, count: times, exampleLine, exampleMessage } of figures.errors.slice(0, 5)) {
    const example = exampleMessage === "" ? "" : `: ${oneLine(exampleMessage)}`;
    lines.push(`error     ${times} × ${printable(error)}, such as line ${exampleLine}${example}`);
  }
  if (end.stoppedBy !== "") {
    lines.push(`stopped   ${printable(end.stoppedBy)}; the same command goes on from here`);
  }
  if (figures.evaluation !== undefined) lines.push("", evaluationText(figures.evaluation));
  return lines.join("\n");
}

export function dryRunText(dry: DryRun): string {
  const cost = dry.cost === undefined ? `unknown (no price for ${dry.model})` : dollars(dry.cost);
  const time =
    dry.seconds === undefined ? "as the provider allows" : durationText(dry.seconds * 1000);
  return [
    `rows      ${dry.rows}${dry.badShare > 0 ? `   that cannot be sent ${Math.round(dry.badShare * dry.rows)}` : ""}`,
    `tokens    input about ${dry.inputTokens}   output about ${dry.outputTokens}`,
    `cost      about ${cost}`,
    `time      ${time}`,
    "nothing was sent",
  ].join("\n");
}

function spansText(ledger: NonNullable<BatchEnd["ledger"]>): string[] {
  const lines = [
    `spans     recorded ${ledger.committed + ledger.lost + ledger.openSpans}   committed ${ledger.committed}   lost ${ledger.lost}`,
  ];
  for (const { name, exported, pending, rejected, expired, unsampled } of ledger.destinations) {
    lines.push(
      `          ${name}: exported ${exported}   pending ${pending}   rejected ${rejected}   ` +
        `expired ${expired}   unsampled ${unsampled}`,
    );
  }
  return lines;
}

function costText(figures: TallyFigures): string {
  if (figures.unpriced === 0) return dollars(figures.cost);
  const known = figures.cost > 0 ? `${dollars(figures.cost)} and ` : "";
  return `${known}unknown for ${figures.unpriced} rows (no price)`;
}

function dollars(amount: number): string {
  return amount >= 1 ? `$${amount.toFixed(2)}` : `$${Number(amount.toPrecision(3))}`;
}

function rate(perSecond: number): string {
  return perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}

function count(number: number): string {
  if (number < 10_000) return String(number);
  return number < 1e7 ? `${(number / 1000).toFixed(0)}k` : `${(number / 1e6).toFixed(1)}M`;
}

export function durationText(ms: number): string {
  if (ms < 1000) return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function oneLine(text: string): string {
  return printable(text.replaceAll(/\s+/g, " ")).slice(0, 120);
}
