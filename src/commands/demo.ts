// `everyspan demo`: shows in seconds, and without a key, that every call has one whole trace. Main thread.

import { defineCommand } from "citty";
import type { CommandDef } from "citty";

import type { DemoResult } from "../demo/run-demo.ts";
import { runDemo } from "../demo/run-demo.ts";
import { version } from "../version.ts";
import { callPicture, callShape } from "./call-picture.ts";

export const demo: CommandDef = defineCommand({
  meta: {
    name: "demo",
    description:
      "Sixty calls at once through a real gateway, and the trace of each kind (no key needed)",
  },
  async run() {
    const result = await runDemo(version);
    console.log(demoText(result));
    process.exit(result.problems.length === 0 ? 0 : 1);
  },
});

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
