import { describe, expect, test } from "bun:test";

import { createChunkTemplate } from "../../../../../src/workers/providers/openai/chunk-template.ts";
import { createOpenAIStreamReader } from "../../../../../src/workers/providers/openai/stream-reader.ts";

function chunk(content: string, rest = ',"finish_reason":null}],"usage":null}'): string {
  return `data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":${content}}${rest}\n\n`;
}

const plain = chunk('"one"');
const hidden = plain.replace(',"usage":null', "");

describe("a chunk template", () => {
  test("takes a frame that differs in its text alone, and hides in it what was hidden in the first", () => {
    const template = createChunkTemplate();
    template.learn(plain, hidden);
    expect(template.match(chunk('"two words, 😀"'))).toBe(
      chunk('"two words, 😀"').replace(',"usage":null', ""),
    );
    expect(template.match(plain)).toBe(hidden);
  });

  test("takes no frame whose text might end elsewhere than it seems", () => {
    const template = createChunkTemplate();
    template.learn(plain, hidden);
    const unlike = [
      '""',
      '"say \\"hi\\""',
      '"back\\\\"',
      '"a","content":"b"',
      '"x"},"finish_reason":"stop","delta":{"content":"y"',
      "null",
    ];
    for (const content of unlike) expect(template.match(chunk(content))).toBeUndefined();
    expect(template.match(chunk('"x"', ',"finish_reason":"stop"}],"usage":null}'))).toBeUndefined();
    expect(template.match(plain.replace('"index":0', '"index":1'))).toBeUndefined();
    expect(template.match("data: [DONE]\n\n")).toBeUndefined();
  });

  test("learns nothing from a frame without text, or of which something before the text was hidden", () => {
    const template = createChunkTemplate();
    template.learn(chunk('""'), chunk('""'));
    template.learn("data: {}\n\n", "data: {}\n\n");
    const early = plain.replace('{"id"', '{"usage":null,"id"');
    template.learn(early, plain);
    expect(template.match(early)).toBeUndefined();
    expect(template.match(plain)).toBeUndefined();
  });
});

test("a stream reads the same whether its chunks are alike or not", () => {
  const texts = ["a", "b c", "é", '\\"', "\\\\", "\\n", "", "😀", "d"];
  const frames = texts.map((text) => chunk(`"${text}"`));
  frames.push(chunk('"end"', ',"finish_reason":"stop"}],"usage":null}'), "data: [DONE]\n\n");
  const inOne = createOpenAIStreamReader({ hideUsage: true });
  for (const frame of frames) {
    // A reader that has seen nothing like it decides on this frame by itself.
    const alone = createOpenAIStreamReader({ hideUsage: true });
    const { forward, content, terminal } = alone.read(frame);
    expect(inOne.read(frame)).toEqual({ forward, content, terminal });
  }
  expect(inOne.facts().finishReasons).toEqual(["stop"]);
});
