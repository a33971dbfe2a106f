import { describe, expect, test } from "bun:test";
import { createFrameSplitter } from "../../../../src/apischema/sse-frames.ts";
import { utf8ToBinary } from "../../../../src/protocol/binary-string.ts";
import { createAnthropicStreamReader } from "../../../../src/workers/providers/anthropic/stream-reader.ts";
import { createChunkReader } from "../../../../src/workers/providers/chunk-reader.ts";
import {
  createFrameTemplate,
  type FrameTemplate,
} from "../../../../src/workers/providers/frame-template.ts";
import { createOpenAIStreamReader } from "../../../../src/workers/providers/openai/stream-reader.ts";
import type { StreamReader } from "../../../../src/workers/providers/stream-reader.ts";
import { createRandom, type Random } from "../../apischema/random-json.ts";
import { randomAnthropicStream, randomOpenAIStream } from "./random-streams.ts";
import { lineEnds, wireFixtures } from "./wire-fixtures.ts";

const frameCharsMax = 1_000_000;
const neverAlike: FrameTemplate = { match: () => undefined, learn: () => undefined };

type MakeReader = (template: FrameTemplate | undefined) => StreamReader;
const openai =
  (hideUsage: boolean): MakeReader =>
  (template) =>
    createOpenAIStreamReader({ hideUsage, ...(template && { template }) });

/** Frame by frame, each of them looked into. */
function readCarefully(make: MakeReader, text: string): unknown {
  const reader = make(neverAlike);
  const splitter = createFrameSplitter({ frameCharsMax });
  const frames = splitter.push(text);
  if (splitter.rest() !== "") frames.push(splitter.rest());
  let forward = "";
  let content = false;
  for (const frame of frames) {
    const reading = reader.read(frame);
    content ||= reading.content;
    if (!reading.terminal) {
      forward += reading.forward;
      continue;
    }
    const { forward: last, error } = reading;
    return { forward, last, content, error, facts: reader.facts(), complete: reader.complete() };
  }
  const ending = { facts: reader.facts(), complete: reader.complete() };
  return { forward, last: undefined, content, error: undefined, ...ending };
}

function readByChunk(reader: StreamReader, pieces: readonly string[]): unknown {
  const chunks = createChunkReader(reader, frameCharsMax);
  let forward = "";
  let content = false;
  for (const piece of pieces) {
    const reading = chunks.read(piece);
    forward += reading.forward;
    content ||= reading.content;
    if (reading.last === undefined) continue;
    const { last, error } = reading;
    return { forward, last, content, error, facts: reader.facts(), complete: reader.complete() };
  }
  const rest = chunks.readRest();
  const isLast = rest?.terminal === true;
  return {
    forward: isLast ? forward : forward + (rest?.forward ?? ""),
    last: isLast ? rest.forward : undefined,
    content: content || rest?.content === true,
    error: rest?.error,
    facts: reader.facts(),
    complete: reader.complete(),
  };
}

function cutAnywhere(random: Random, text: string): string[] {
  const pieces: string[] = [];
  const widthMax = random.pick([20, 300, 2000, 100_000]);
  for (let at = 0; at < text.length;) {
    const width = 1 + random.below(widthMax);
    pieces.push(text.slice(at, at + width));
    at += width;
  }
  return pieces;
}

describe("a stream read by the chunk is read as frame by frame", () => {
  for (const api of ["openai", "anthropic"] as const) {
    for (const { name, provider } of wireFixtures(api)) {
      test.each(lineEnds)(`${name}, cut at every byte, with %s line ends`, (_, end) => {
        const text = utf8ToBinary(provider.replaceAll("\n", end));
        const makes =
          api === "openai" ? [openai(true), openai(false)] : [createAnthropicStreamReader];
        for (const make of makes) {
          const expected = readCarefully(make, text);
          for (let at = 0; at <= text.length; at += 1) {
            const pieces = [text.slice(0, at), text.slice(at)];
            expect(readByChunk(make(undefined), pieces)).toEqual(expected);
          }
          expect(readByChunk(make(undefined), text.split(""))).toEqual(expected);
        }
      });
    }
  }

  const kinds = [
    { name: "OpenAI streams", make: openai(false), stream: randomOpenAIStream },
    { name: "OpenAI streams with usage to hide", make: openai(true), stream: randomOpenAIStream },
    {
      name: "Anthropic streams",
      make: (template: FrameTemplate | undefined) => createAnthropicStreamReader(template),
      stream: randomAnthropicStream,
    },
  ];
  for (const { name, make, stream } of kinds) {
    test(`over random ${name}, however they are cut`, () => {
      let alikeChars = 0;
      for (let seed = 0; seed < 2000; seed += 1) {
        const random = createRandom(seed);
        const text = utf8ToBinary(stream(random));
        const expected = readCarefully(make, text);
        expect({ seed, seen: readByChunk(make(undefined), [text]) }).toEqual({
          seed,
          seen: expected,
        });
        const pieces = cutAnywhere(random, text);
        const reader = counting(make(undefined), (chars) => (alikeChars += chars));
        expect({ seed, seen: readByChunk(reader, pieces) }).toEqual({
          seed,
          seen: expected,
        });
      }
      // Else nothing has been shown.
      expect(alikeChars).toBeGreaterThan(100_000);
    });
  }
});

describe("a chunk", () => {
  const chunk = (text: string) =>
    `data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"${text}"},"finish_reason":null}]}\n\n`;

  test("gives what is whole in it and keeps the rest; what is after the end is not read", () => {
    const chunks = createChunkReader(openai(true)(undefined), frameCharsMax);
    const [first, second, third] = [chunk("a"), chunk("b"), chunk("c")];
    expect(chunks.read(first + second + third.slice(0, 9)).forward).toBe(first + second);
    const rest = `${third.slice(9)}data: [DONE]\n\n: never read\n\n`;
    expect(chunks.read(rest)).toEqual({
      forward: third,
      last: "data: [DONE]\n\n",
      content: true,
      error: undefined,
    });
  });

  test("with an event that is too long is refused, alike or not", () => {
    const template = createFrameTemplate(['"content":"']);
    template.learn(chunk("a"), chunk("a"));
    const tooLong: unknown = expect.objectContaining({ code: "provider_invalid" });
    for (const used of [template, neverAlike]) {
      const chunks = createChunkReader(openai(false)(used), 200);
      expect(() => chunks.read(chunk("x".repeat(200)))).toThrow(tooLong);
    }
  });

  test("with a lone CR in the text is two lines, as the standard has it", () => {
    const chunks = createChunkReader(openai(true)(undefined), frameCharsMax);
    const text = chunk("a") + chunk("b") + chunk("c\r\rd") + chunk("e");
    expect(chunks.read(text)).toMatchObject({ forward: text, last: undefined });
  });
});

function counting(reader: StreamReader, count: (chars: number) => void): StreamReader {
  return {
    ...reader,
    readAlike(text, from) {
      const alike = reader.readAlike(text, from);
      if (alike !== undefined) count(alike.end - from);
      return alike;
    },
  };
}
