// What a message to the exporter weighs, for those on either side who keep it until it is committed. Pure.

import type { ExporterCommand } from "./exporter-message.ts";

/**
 * What the ledger will count for it, or count as lost when it never takes it. An abandoned call brings its worker's
 * spans, or what stands in for them; those of a journal, or of rows that are opened, come with the call's end.
 */
export function spansOf(command: ExporterCommand): number {
  switch (command.kind) {
    case "finished":
    case "rows":
    case "lost":
      return command.spanCount;
    case "abandoned":
      return command.spanCount + command.fallbackSpanCount;
    default:
      return 0;
  }
}

/** Characters of its texts, as far as they grow with what is told. */
export function charsOf(command: ExporterCommand): number {
  switch (command.kind) {
    case "finished":
    case "journal":
      return command.spans.length;
    case "abandoned":
      return command.spans.length + command.fallbackSpans.length + (command.result?.length ?? 0);
    case "batch":
      return command.description.length + command.origin.length;
    case "opening":
      return command.rows.length;
    case "rows":
      return command.sizeChars;
    default:
      return 0;
  }
}
