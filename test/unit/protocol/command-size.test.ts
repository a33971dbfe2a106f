import { expect, test } from "bun:test";
import { charsOf, spansOf } from "../../../src/protocol/command-size.ts";
import type { ExporterCommand } from "../../../src/protocol/exporter-message.ts";

const call = { call: "c", spans: "12345", spanCount: 3, sampled: true };
const abandoned = {
  ...call,
  kind: "abandoned",
  fallbackSpans: "1234567",
  fallbackSpanCount: 2,
  endedAtMs: 0,
  errorType: "",
  message: "",
} as const;
const batch = { call: "c", batch: 1 };

test.each<readonly [ExporterCommand, number, number]>([
  [{ kind: "finished", ...call }, 3, 5],
  [{ kind: "journal", part: "worker", ...call }, 0, 5],
  [abandoned, 5, 12],
  [{ ...abandoned, row: "{}", result: "123" }, 5, 15],
  [
    {
      ...batch,
      kind: "batch",
      name: "",
      run: "",
      description: "12",
      origin: "123",
      restart: false,
    },
    0,
    5,
  ],
  [{ ...batch, kind: "opening", rows: "1234" }, 0, 4],
  [{ ...batch, kind: "rows", rows: [], spanCount: 6, sizeChars: 9 }, 6, 9],
  [{ kind: "lost", spanCount: 8 }, 8, 0],
  [{ kind: "account", request: 1 }, 0, 0],
  [{ kind: "stop", exportMs: 1 }, 0, 0],
])("%j brings %d spans and %d characters", (command, spans, chars) => {
  expect([spansOf(command), charsOf(command)]).toEqual([spans, chars]);
});
