// `everyspan demo`: shows in seconds, and without a key, that every call has one whole trace. Main thread.

import { constants } from "node:os";

import { defineCommand } from "citty";
import type { CommandDef } from "citty";

import type { BatchEnd } from "../batch/run-batch.ts";
import { runBatchDemo } from "../demo/run-batch-demo.ts";
import type { BatchDemoResult } from "../demo/run-batch-demo.ts";
import type { DemoResult } from "../demo/run-demo.ts";
import { runDemo } from "../demo/run-demo.ts";
import { version } from "../version.ts";
import { accountText } from "./batch-text.ts";
import { callPicture, callShape } from "./call-picture.ts";
import { onLeaveSignal } from "./leave-signals.ts";
import { print } from "./print.ts";

export const demo: CommandDef = defineCommand({
  meta: {
    name: "demo",
    description:
      "Sixty calls at once through a real gateway, and the trace of each kind (no key needed)",
  },
  async run() {
    const leave = (signal: string): void => process.exit(signalled + signalNumber(signal));
    onLeaveSignal(leave, () => undefined);
    const result = await runDemo(version);
    print(demoText(result));
    const batch = await runBatchDemo(version);
    print(batchDemoText(batch));
    process.exit(result.problems.length + batch.problems.length === 0 ? 0 : 1);
  },
});

/** What a shell says of a process that a signal ended. */
const signalled = 128;

function signalNumber(signal: string): number {
  return (constants.signals as Readonly<Record<string, number>>)[signal] ?? 0;
}

/** Each distinct tree once, then the account; then what is not whole, if anything. */
export function demoText(result: DemoResult): string {
  const { calls, traces, problems, account } = result;
  const shapes = Map.groupBy(traces, ({ spans }) => callShape(spans));
  const lines = [
    `${calls.length} calls at once under one caller's span, ${result.elapsedMs.toFixed(0)} ms:`,
    "both routes, streaming and plain, some with a native `metadata` field;",
    "one is retried after a 429, one provider breaks off in mid-stream, one client leaves;",
    "a guardrail masks one call, blocks another, and cuts a third off in mid-stream.",
    "",
  ];
  const byCount = [...shapes.values()].toSorted((a, b) => b.length - a.length);
  for (const alike of byCount) {
    const [first] = alike;
    if (first === undefined) continue;
    lines.push(alike.length === 1 ? "1 call:" : `${alike.length} calls like this:`);
    lines.push(callPicture(first.spans), "");
  }
  lines.push(
    `calls ${calls.length}   spans recorded ${account.recorded}   committed ${account.committed}   ` +
      `exported ${result.exported}   open ${account.open}   lost ${account.lost}`,
  );
  lines.push(
    problems.length === 0
      ? `all ${traces.length} traces are whole`
      : `NOT WHOLE:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
  );
  return lines.join("\n");
}

/** The batch that was stopped and went on; then what is wrong, if anything. */
export function batchDemoText({ runs, calls, exported, problems }: BatchDemoResult): string {
  const [first, second] = runs;
  const lines = ["", "Sixty support messages as a batch, with labels; stopped in the middle:", ""];
  if (first !== undefined) lines.push(accountText({ ...first, figures: withoutScores(first) }));
  lines.push("", "The same command again:", "");
  if (second !== undefined) lines.push(accountText(second));
  lines.push("", `calls at the provider ${calls}   spans at the receiver ${exported}`);
  lines.push(
    problems.length === 0
      ? "every row once, every call with its whole trace"
      : `NOT AS IT SHOULD BE:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
  );
  return lines.join("\n");
}

function withoutScores({ figures }: BatchEnd): BatchEnd["figures"] {
  return { ...figures, evaluation: undefined };
}
