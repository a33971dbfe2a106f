import { describe, expect, test } from "bun:test";

import type { ExporterCommand } from "../../../src/protocol/exporter-message.ts";
import {
  readExporterCommands,
  writeExporterCommand,
} from "../../../src/protocol/exporter-words.ts";
import type { Word, Words } from "../../../src/protocol/words.ts";
import { acrossPort } from "../../support/across-port.ts";

/** Each value differs from all others, so that none can stand in another's place. */
const commands: readonly ExporterCommand[] = [
  { kind: "finished", call: "a", spans: "\n\u0000ÿ", spanCount: 5, sampled: true },
  { kind: "finished", call: "b", spans: "x", spanCount: 2, sampled: false, isRefusal: true },
  { kind: "journal", call: "c", part: "worker", spans: "y", spanCount: 3, sampled: true },
  {
    kind: "abandoned",
    call: "d",
    spans: "\u0080\n",
    spanCount: 4,
    fallbackSpans: 'ÿ"',
    fallbackSpanCount: 1,
    sampled: false,
    endedAtMs: 1_795_280_753_820.716,
    errorType: "worker_lost",
    message: "gone",
    row: '{"row":1}',
    result: "{}",
  },
  {
    kind: "batch",
    call: "e",
    batch: 6,
    name: "out.csv",
    run: "run",
    description: "{}",
    origin: "[]",
    restart: true,
  },
  { kind: "opening", call: "f", batch: 7, rows: "1 2 3" },
  { kind: "rows", call: "g", batch: 8, rows: ["h", 1, "ß", 0.25], spanCount: 9, sizeChars: 10 },
  { kind: "rows", call: "i", batch: 11, rows: [], spanCount: 0, sizeChars: 0 },
  { kind: "lost", spanCount: 12 },
  { kind: "account", request: 13 },
  { kind: "stop", exportMs: 14 },
];

function written(sent: readonly ExporterCommand[]): Word[] {
  const words: Word[] = [];
  for (const command of sent) writeExporterCommand(words, command);
  return words;
}

function read(words: Words): ExporterCommand[] {
  const received: ExporterCommand[] = [];
  readExporterCommands(words, (command) => received.push(command));
  return received;
}

describe("the exporter's commands as words", () => {
  test.each(commands)("%o comes out as it went in", (command) => {
    expect(read(written([command]))).toEqual([command]);
  });

  test("each finds the next one's beginning, through a real port", async () => {
    const sent = commands.flatMap((first) => commands.flatMap((second) => [first, second]));
    expect(read((await acrossPort(written(sent))) as Words)).toEqual(sent);
  });
});
