// What the exporter is told, as words: server to exporter. What every call brings is spelled out; the rest, which comes
// once in a while, is one word of JSON.

import type { ExporterCommand } from "./exporter-message.ts";
import type { Word, Words } from "./words.ts";

type Kind = ExporterCommand["kind"];

export function writeExporterCommand(words: Word[], command: ExporterCommand): void {
  switch (command.kind) {
    case "finished":
      words.push(command.kind, command.call, command.spans, command.spanCount);
      words.push(command.sampled, command.isRefusal);
      break;
    case "journal":
      words.push(command.kind, command.call, command.part, command.spans, command.spanCount);
      words.push(command.sampled);
      break;
    case "opening":
      words.push(command.kind, command.call, command.batch, command.rows);
      break;
    case "rows":
      words.push(command.kind, command.call, command.batch, command.spanCount, command.sizeChars);
      words.push(command.rows.length);
      for (const word of command.rows) words.push(word);
      break;
    default:
      words.push(command.kind, JSON.stringify(command));
  }
}

/** Hands each command to `take`, in order. */
export function readExporterCommands(words: Words, take: (command: ExporterCommand) => void): void {
  for (let at = 0; at < words.length;) {
    const kind = words[at] as Kind;
    const command = commandAt(words, kind, at);
    at += wordsOf(command);
    take(command);
  }
}

function wordsOf(command: ExporterCommand): number {
  switch (command.kind) {
    case "finished":
    case "journal":
      return 6;
    case "opening":
      return 4;
    case "rows":
      return 6 + command.rows.length;
    default:
      return 2;
  }
}

function commandAt(words: Words, kind: Kind, at: number): ExporterCommand {
  switch (kind) {
    case "finished": {
      const command = {
        kind,
        call: words[at + 1] as string,
        spans: words[at + 2] as string,
        spanCount: words[at + 3] as number,
        sampled: words[at + 4] as boolean,
      };
      return words[at + 5] === true ? { ...command, isRefusal: true } : command;
    }
    case "journal":
      return {
        kind,
        call: words[at + 1] as string,
        part: words[at + 2] as "server" | "worker",
        spans: words[at + 3] as string,
        spanCount: words[at + 4] as number,
        sampled: words[at + 5] as boolean,
      };
    case "opening":
      return {
        kind,
        call: words[at + 1] as string,
        batch: words[at + 2] as number,
        rows: words[at + 3] as string,
      };
    case "rows": {
      const first = at + 6;
      return {
        kind,
        call: words[at + 1] as string,
        batch: words[at + 2] as number,
        spanCount: words[at + 3] as number,
        sizeChars: words[at + 4] as number,
        rows: words.slice(first, first + (words[at + 5] as number)) as (string | number)[],
      };
    }
    default:
      return JSON.parse(words[at + 1] as string) as ExporterCommand;
  }
}
