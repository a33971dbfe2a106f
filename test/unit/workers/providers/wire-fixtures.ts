// The recorded streams of test/fixtures/wire, and what a reader makes of one.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createFrameSplitter } from "../../../../src/apischema/sse-frames.ts";
import type { ReplyFacts } from "../../../../src/workers/providers/reply-facts.ts";
import type {
  FrameReading,
  StreamReader,
} from "../../../../src/workers/providers/stream-reader.ts";

export interface WireFixture {
  readonly name: string;
  readonly provider: string;
  readonly client: string;
  readonly expected: {
    readonly api: "openai" | "anthropic";
    readonly facts: ReplyFacts;
    readonly complete: boolean;
    readonly firstContent: number;
  };
}

const folder = join(import.meta.dir, "../../../fixtures/wire");

export function wireFixtures(api: "openai" | "anthropic"): WireFixture[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const read = (file: string) => readFileSync(join(folder, name, file), "utf8");
      const expected = JSON.parse(read("expected.json")) as WireFixture["expected"];
      return { name, provider: read("provider.sse"), client: read("client.sse"), expected };
    })
    .filter(({ expected }) => expected.api === api);
}

export const lineEnds: readonly [string, string][] = [
  ["LF", "\n"],
  ["CRLF", "\r\n"],
  ["CR", "\r"],
];

export interface StreamOutcome {
  readonly forwarded: string;
  readonly readings: readonly FrameReading[];
  /** The frame that first carried content; -1 for none. */
  readonly firstContent: number;
  readonly facts: ReplyFacts;
  readonly complete: boolean;
}

/** Reads `text` in pieces of `width` characters. */
export function readStream(reader: StreamReader, text: string, width: number): StreamOutcome {
  const splitter = createFrameSplitter({ frameCharsMax: 1_000_000 });
  const frames: string[] = [];
  for (let at = 0; at < text.length; at += width) {
    frames.push(...splitter.push(text.slice(at, at + width)));
  }
  if (splitter.rest() !== "") frames.push(splitter.rest());
  const readings = frames.map((frame) => reader.read(frame));
  return {
    forwarded: readings.map((reading) => reading.forward).join(""),
    readings,
    firstContent: readings.findIndex((reading) => reading.content),
    facts: reader.facts(),
    complete: reader.complete(),
  };
}
