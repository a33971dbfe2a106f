import { describe, expect, test } from "bun:test";
import { hideUsage } from "../../../../../src/workers/providers/openai/hide-usage.ts";

const usage = '{"prompt_tokens":1,"completion_tokens":2}';

function hidden(data: string, end = "\n"): string {
  return hideUsage(`data: ${data}${end}${end}`, data, undefined);
}

describe("hiding usage", () => {
  test.each([
    ['{"id":"a","choices":[{}],"usage":null}', '{"id":"a","choices":[{}]}'],
    ['{"id":"a","usage":null,"choices":[{"usage":1}]}', '{"id":"a","choices":[{"usage":1}]}'],
    ['{"usage":null,"choices":[]}', '{"choices":[]}'],
    ['{"choices":[],"usage":null,"obfuscation":"a}b"}', '{"choices":[],"obfuscation":"a}b"}'],
    ['{"choices":[], "usage" : null , "n": 1}', '{"choices":[] , "n": 1}'],
    ['{"n":12345678901234567890,"usage":null,"x":{}}', '{"n":12345678901234567890,"x":{}}'],
    ['{"a":1,"usage":null,"usage":null}', '{"a":1}'],
    ['{"a":{"n":1,"usage":null},"usage":null}', '{"a":{"n":1,"usage":null}}'],
    [
      `{"choices":[],"prompt_filter_results":[],"usage":${usage}}`,
      '{"choices":[],"prompt_filter_results":[]}',
    ],
  ])("takes it out of %j and nothing else", (data, shown) => {
    for (const end of ["\n", "\r\n", "\r"])
      expect(hidden(data, end)).toBe(`data: ${shown}${end}${end}`);
  });

  test.each([`{"choices":[],"usage":${usage},"timings":{}}`, `{"id":"a","usage":${usage}}`])(
    "drops a chunk that is there for its usage alone: %j",
    (data) => {
      expect(hidden(data)).toBe("");
    },
  );

  test.each([
    '{"choices":[{"n":1,"usage":null}]}',
    '{"x":{"n":1,"usage":null}}',
    '{"x":{"n":1,"usage":null},"y":"}"}',
    '{"text":"a,\\"usage\\":null"}',
    '{"a,\\"usage":null}',
    '{"x":["usage",null]}',
    `{"x_groq":{"usage":${usage}}}`,
    // A server's own habit: not what was asked for on the caller's behalf.
    `{"choices":[{"index":0}],"usage":${usage}}`,
    '{"usage',
    "null",
  ])("leaves %j as it is", (data) => {
    expect(hidden(data)).toBe(`data: ${data}\n\n`);
  });

  test("reaches data that stands on several lines, and keeps the event's name", () => {
    const data = '{"id":"a",\n"usage":null,\n"choices":[1]}';
    const frame = 'event: chunk\ndata: {"id":"a",\ndata: "usage":null,\ndata: "choices":[1]}\n\n';
    expect(hideUsage(frame, data, undefined)).toBe(
      'event: chunk\ndata: {"id":"a",\ndata: "choices":[1]}\n\n',
    );
  });
});
