// Turns the commands of one loop turn into what one transaction commits. Exporter thread; no state beyond the
// turn. A journal whose call ends in the same turn is never written.

import { eachEndedRow, type EndedRow } from "../../protocol/ended-rows.ts";
import type {
  AcknowledgedCommand,
  BatchCommand,
  CallCommand,
  ExporterCommand,
  RowEnd,
} from "../../protocol/exporter-message.ts";
import { toBytes } from "./byte-writer.ts";
import { closeOpenSpans } from "./interrupted-spans.ts";
import type { CallRow, JournalRow } from "./ledger-rows.ts";

export interface CommitGroup {
  readonly calls: CallRow[];
  readonly journals: Map<string, JournalRow>;
  /** What batches begin, in order; empty but in a batch. */
  readonly begun: BatchCommand[];
  /** The rows that end with the calls. */
  readonly rows: EndedRow[];
  /** By what names all of it is acknowledged. */
  readonly names: string[];
  lostSpans: number;
}

/** A call's journaled worker part, from the ledger. */
export type FindWorkerPart = (
  call: string,
) => { readonly spans: Uint8Array; readonly spanCount: number } | undefined;

export function groupCommands(
  commands: readonly ExporterCommand[],
  findWorkerPart: FindWorkerPart,
): CommitGroup {
  const group: CommitGroup = {
    calls: [],
    journals: new Map(),
    begun: [],
    rows: [],
    names: [],
    lostSpans: 0,
  };
  for (const command of commands) {
    if (isAcknowledged(command)) group.names.push(command.call);
    if (command.kind === "rows") {
      eachEndedRow(command, (row) => {
        dropJournals(group, row.call);
        group.calls.push(row);
        group.rows.push(row);
      });
    } else if (command.kind === "finished") {
      dropJournals(group, command.call);
      group.calls.push(finishedRow(command));
    } else if (command.kind === "journal") {
      group.journals.set(`${command.call} ${command.part}`, command);
    } else if (command.kind === "abandoned") {
      const journal = group.journals.get(`${command.call} worker`);
      const part =
        journal === undefined
          ? findWorkerPart(command.call)
          : { spans: toBytes(journal.spans), spanCount: journal.spanCount };
      dropJournals(group, command.call);
      group.calls.push(abandonedRow(command, part));
      const { call, row, result = "" } = command;
      if (row !== undefined) group.rows.push({ ...(JSON.parse(row) as RowEnd), call, result });
    } else if (command.kind === "opening" || command.kind === "batch") {
      group.begun.push(command);
    } else if (command.kind === "lost") {
      group.lostSpans += command.spanCount;
    }
  }
  return group;
}

export function isCallCommand(command: ExporterCommand): command is CallCommand {
  return command.kind === "finished" || command.kind === "abandoned";
}

export function isAcknowledged(command: ExporterCommand): command is AcknowledgedCommand {
  const { kind } = command;
  return isCallCommand(command) || kind === "rows" || kind === "opening" || kind === "batch";
}

function dropJournals(group: CommitGroup, call: string): void {
  if (group.journals.size === 0) return;
  group.journals.delete(`${call} server`);
  group.journals.delete(`${call} worker`);
}

function finishedRow(command: Extract<CallCommand, { kind: "finished" }>): CallRow {
  const { call, spans, spanCount, sampled, isRefusal } = command;
  const row = { call, spans, spanCount, sampled };
  return isRefusal === true ? { ...row, isRefusal } : row;
}

function abandonedRow(
  command: Extract<CallCommand, { kind: "abandoned" }>,
  journaled: ReturnType<FindWorkerPart>,
): CallRow {
  const { call, sampled } = command;
  const fallback = { spans: toBytes(command.fallbackSpans), spanCount: command.fallbackSpanCount };
  const closed = closedPart(command, journaled) ?? closedPart(command, fallback) ?? fallback;
  const spans = Buffer.concat([toBytes(command.spans), closed.spans]);
  return { call, spans, spanCount: command.spanCount + closed.spanCount, sampled };
}

/** Undefined when it cannot be read: a journal gone wrong must not cost the call its trace. */
function closedPart(
  command: Extract<CallCommand, { kind: "abandoned" }>,
  part: ReturnType<FindWorkerPart>,
): ReturnType<FindWorkerPart> {
  if (part === undefined) return undefined;
  try {
    const spans = closeOpenSpans(part.spans, { ...command, interrupted: false });
    return { spans, spanCount: part.spanCount };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
