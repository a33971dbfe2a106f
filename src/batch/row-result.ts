// A row's record as the ledger keeps it, for a run that goes on: what the account needs of a row that is not sent
// again, then its line of the output. Pure.

import { noFigures, type RowRecord } from "./tally.ts";

/** Its first line is empty for most rows: they are ok, and have no label. */
export function writeResult({ error, message, label, line }: RowRecord): string {
  const isPlain = error === "" && label === undefined;
  return `${isPlain ? "" : JSON.stringify([error, message, label ?? null])}\n${line}`;
}

/** What it used came with all that earlier runs have: no figures here. */
export function readResult(result: string, row: Pick<RowRecord, "inputLine" | "truth">): RowRecord {
  const at = result.indexOf("\n");
  const said = at <= 0 ? ["", "", null] : (JSON.parse(result.slice(0, at)) as (string | null)[]);
  const [error, message, label] = said;
  return {
    line: result.slice(at + 1),
    error: error ?? "",
    message: message ?? "",
    inputLine: row.inputLine,
    label: label ?? undefined,
    truth: row.truth,
    ...noFigures,
  };
}

/** The line alone. */
export function lineOf(result: string): string {
  return result.slice(result.indexOf("\n") + 1);
}
