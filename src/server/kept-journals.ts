// What the exporter was told of calls that are still open, kept for two cases: the exporter thread dies and its
// successor must hear it again, or a call's worker dies and its part of the call is all there is. Server thread.

import { createTransientMap } from "../collections/transient-map.ts";
import type { ExporterCommand } from "../protocol/exporter-message.ts";

export type JournalCommand = Extract<ExporterCommand, { kind: "journal" }>;

export interface KeptJournals {
  /** The newest of each part counts. */
  readonly keep: (journal: JournalCommand) => void;
  /** The worker's spans of an open call, as far as it told of them. */
  readonly workerPart: (call: string) => JournalCommand | undefined;
  /** The call has ended. */
  readonly drop: (call: string) => void;
  readonly commands: () => JournalCommand[];
}

interface Parts {
  server?: JournalCommand;
  worker?: JournalCommand;
}

export function createKeptJournals(): KeptJournals {
  const calls = createTransientMap<string, Parts>();
  return {
    keep(journal) {
      const parts = calls.get(journal.call) ?? {};
      parts[journal.part] = journal;
      calls.set(journal.call, parts);
    },
    workerPart: (call) => calls.get(call)?.worker,
    drop: (call) => void calls.delete(call),
    commands: () =>
      [...calls.values()].flatMap(({ server, worker }) =>
        [server, worker].filter((journal) => journal !== undefined),
      ),
  };
}
