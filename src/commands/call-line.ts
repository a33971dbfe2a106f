// One line per call for a person at a terminal. Pure; nothing of the caller's words in it but the model.

import { outcomeLabel } from "../server/call-report.ts";
import type { CallReport } from "../server/call-report.ts";
import { printable } from "./printable.ts";

/** Route, model, status, milliseconds, tokens in and out, trace id. */
export function callLine(report: CallReport, durationMs: number): string {
  const { call, outcome, status } = report;
  const label = outcomeLabel(report);
  const tokens =
    outcome === undefined || outcome.outputTokens < 0
      ? "-"
      : `${Math.max(0, outcome.inputTokens)}→${outcome.outputTokens}`;
  const columns = [
    call.route.template.padEnd(22),
    (call.model === "" ? "-" : printable(call.model).slice(0, 60)).padEnd(24),
    String(status ?? "-").padEnd(4),
    `${durationMs.toFixed(0)} ms`.padStart(9),
    tokens.padStart(12),
    call.traceId,
  ];
  if (label !== "ok") columns.push(label);
  return columns.join("  ");
}
