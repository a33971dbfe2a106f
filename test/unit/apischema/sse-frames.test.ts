import { describe, expect, test } from "bun:test";
import { createFrameSplitter, readFrame } from "../../../src/apischema/sse-frames.ts";
import { createRandom } from "./random-json.ts";

const frameCharsMax = 10_000;

/** All frames of a stream that comes in these pieces, the unended one last. */
function split(pieces: readonly string[]): string[] {
  const splitter = createFrameSplitter({ frameCharsMax });
  const frames = pieces.flatMap((piece) => splitter.push(piece));
  return splitter.rest() === "" ? frames : [...frames, splitter.rest()];
}

const frames = [
  ": a comment\n\n",
  'data: {"a":1}\n\n',
  "event: message_start\ndata: one\ndata: two\nid: 7\n\n",
  "\n",
  "data: 東京 😀\n\n",
  "data: [DONE]\n\n",
];
const ends = { LF: "\n", CRLF: "\r\n", CR: "\r" };

describe("a stream split into frames", () => {
  for (const [name, end] of Object.entries(ends)) {
    const expected = frames.map((frame) => frame.replaceAll("\n", end));
    const text = expected.join("");

    test(`gives the same frames wherever it is cut, with ${name} line ends`, () => {
      for (let at = 0; at <= text.length; at += 1) {
        expect(split([text.slice(0, at), text.slice(at)])).toEqual(expected);
      }
      for (let at = 0; at < text.length; at += 1) {
        for (let width = 1; width < 4; width += 1) {
          const pieces = [text.slice(0, at), text.slice(at, at + width), text.slice(at + width)];
          expect(split(pieces)).toEqual(expected);
        }
      }
    });

    test(`gives the same frames one character at a time, with ${name} line ends`, () => {
      expect(split(text.split(""))).toEqual(expected);
    });
  }

  test("concatenates to what came in, and is the same for every cut, with any mixture of line ends", () => {
    const alphabet = ["\n", "\r", "\r\n", "data: x", "event: y", ":", " ", "\uFEFF"] as const;
    for (let seed = 0; seed < 3000; seed += 1) {
      const random = createRandom(seed);
      const pieces = Array.from({ length: random.below(20) }, () => random.pick(alphabet));
      const text = pieces.join("");
      const whole = split([text]);
      expect(whole.join("")).toBe(text);
      expect(split(text.split(""))).toEqual(whole);
      expect(split(pieces)).toEqual(whole);
    }
  });

  test("gives each frame as soon as its blank line is there", () => {
    const splitter = createFrameSplitter({ frameCharsMax });
    expect(splitter.push("data: a\n")).toEqual([]);
    expect(splitter.push("\ndata: b")).toEqual(["data: a\n\n"]);
    expect(splitter.rest()).toBe("data: b");
    expect(splitter.push("\r\n\r\n")).toEqual(["data: b\r\n\r\n"]);
    expect(splitter.rest()).toBe("");
  });

  test("takes one blank line that is cut inside CRLF for one", () => {
    const splitter = createFrameSplitter({ frameCharsMax });
    expect(splitter.push("data: a\r\n\r")).toEqual([]);
    expect(splitter.push("\ndata: b\n\n")).toEqual(["data: a\r\n\r\n", "data: b\n\n"]);
  });

  test("throws when a frame is too long, ended or not", () => {
    const tooLong: unknown = expect.objectContaining({ code: "provider_invalid" });
    const small = () => createFrameSplitter({ frameCharsMax: 10 });
    expect(small().push("data: 12\n\n")).toEqual(["data: 12\n\n"]);
    expect(() => small().push("data: 123\n\n")).toThrow(tooLong);
    expect(() => small().push("data: 12345")).toThrow(tooLong);
    const splitter = small();
    splitter.push("data: 12");
    expect(() => splitter.push("345")).toThrow(tooLong);
  });

  test("costs no more than its length when it comes one character at a time", () => {
    const text = `data: ${"x".repeat(300_000)}\n\n`;
    const splitter = createFrameSplitter({ frameCharsMax: 1_000_000 });
    const found: string[] = [];
    // Quadratic work would copy 45 GB here and run into the test's own limit of time.
    for (const char of text) found.push(...splitter.push(char));
    expect(found).toEqual([text]);
  });
});

describe("a frame", () => {
  test.each([
    ["data: x\n\n", "", "x"],
    ["data:x\n\n", "", "x"],
    ["data:  x\n\n", "", " x"],
    ["data: x\r\n\r\n", "", "x"],
    ["data: x\r\r", "", "x"],
    ["data: x", "", "x"],
    ["data\n\n", "", ""],
    ["data:\n\n", "", ""],
    ["event: e\ndata: x\n\n", "e", "x"],
    ["event:e\r\ndata:x\r\n\r\n", "e", "x"],
    ["data: a\ndata: b\n\n", "", "a\nb"],
    ["data: a\n: no\ndata:\rdata: c\r\n\n", "", "a\n\nc"],
    ["id: 1\nretry: 2\nother\n\n", "", undefined],
    [": comment\n\n", "", undefined],
    ["\n", "", undefined],
    ["", "", undefined],
    ["\uFEFFdata: x\n\n", "", "x"],
    ["\uFEFFevent: e\ndata: x\n\n", "e", "x"],
    ["event: a\nevent: b\ndata: x: y\n\n", "b", "x: y"],
    ["datax: 1\n data: 2\n\n", "", undefined],
  ])("is read as the standard says: %j", (raw, event, data) => {
    expect(readFrame(raw)).toEqual({ event, data });
  });
});
