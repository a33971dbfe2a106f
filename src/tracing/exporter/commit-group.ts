// Turns the commands of one loop turn into what one transaction commits. Exporter thread; no state beyond the
// turn. A journal whose call ends in the same turn is never written.

import type {
  AcknowledgedCommand,
  BatchCommand,
  CallCommand,
  ExporterCommand,
  RowEnd,
} from "../../protocol/exporter-message.ts";
import { closeOpenSpans } from "./interrupted-spans.ts";
import type { CallRow, JournalRow } from "./ledger.ts";

export interface CommitGroup {
  readonly calls: CallRow[];
  readonly journals: Map<string, JournalRow>;
  /** What batches begin, in order; empty but in a batch. */
  readonly begun: BatchCommand[];
  /** The rows that end with the calls. */
  readonly rows: EndedRow[];
  lostSpans: number;
}

export interface EndedRow extends RowEnd {
  readonly call: string;
  readonly result: string;
}

/** A call's journaled worker part, from the ledger. */
export type FindWorkerPart = (
  call: string,
) => { readonly spans: Uint8Array; readonly spanCount: number } | undefined;

export function groupCommands(
  commands: readonly ExporterCommand[],
  findWorkerPart: FindWorkerPart,
): CommitGroup {
  const group: CommitGroup = { calls: [], journals: new Map(), begun: [], rows: [], lostSpans: 0 };
  for (const command of commands) {
    if (isCallCommand(command) && command.row !== undefined) {
      const { call, result = "" } = command;
      group.rows.push({ ...(JSON.parse(command.row) as RowEnd), call, result });
    }
    if (command.kind === "finished") {
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
    } else if (command.kind === "opening") {
      group.begun.push(command);
      const { call, sampled, spans, spanCount } = command;
      const own = { kind: "journal", call, part: "server", spans, spanCount, sampled } as const;
      group.journals.set(`${call} server`, own);
      if (command.standInCount > 0) {
        const standIn = { spans: command.standIn, spanCount: command.standInCount };
        group.journals.set(`${call} worker`, { ...own, part: "worker", ...standIn });
      }
    } else if (command.kind === "batch") {
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
  return isCallCommand(command) || command.kind === "opening" || command.kind === "batch";
}

/** The spans a call stands for when it cannot be committed. */
export function spansAtStake(command: CallCommand): number {
  return command.spanCount + (command.kind === "abandoned" ? command.fallbackSpanCount : 0);
}

function dropJournals(group: CommitGroup, call: string): void {
  if (group.journals.size === 0) return;
  group.journals.delete(`${call} server`);
  group.journals.delete(`${call} worker`);
}

function finishedRow(command: Extract<CallCommand, { kind: "finished" }>): CallRow {
  const { call, spanCount, sampled } = command;
  return { call, spans: toBytes(command.spans), spanCount, sampled };
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

function toBytes(spans: string): Uint8Array {
  return Buffer.from(spans, "latin1");
}
