// The calls that are open in the ledger, by their journals: how many spans each part has. Exporter thread and readers.

import type { Database } from "bun:sqlite";
import type { JournalPart } from "../../protocol/exporter-message.ts";
import { partNumber } from "./ledger-schema.ts";

export function readJournaledCalls(database: Database): Map<string, Record<JournalPart, number>> {
  const calls = new Map<string, Record<JournalPart, number>>();
  const rows = database.query<{ call: string; part: number; spans: number }, []>(
    "SELECT call, part, span_count spans FROM open_calls",
  );
  for (const { call, part, spans } of rows.all()) {
    const parts = calls.get(call) ?? { server: 0, worker: 0 };
    parts[part === partNumber.server ? "server" : "worker"] = spans;
    calls.set(call, parts);
  }
  return calls;
}
