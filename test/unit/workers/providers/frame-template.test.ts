import { describe, expect, test } from "bun:test";
import { createFrameTemplate } from "../../../../src/workers/providers/frame-template.ts";

const keys = ['"content":"', '"text":"'] as const;
const nullUsage = ',"usage":null';

function chunk(content: string, rest = `,"finish_reason":null}]${nullUsage}}`): string {
  return `data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":${content}}${rest}\n\n`;
}

const plain = chunk('"one"');
const hide = (text: string): string => text.replaceAll(nullUsage, "");
const learned = (frame: string, forward = hide(frame)) => {
  const template = createFrameTemplate(keys);
  template.learn(frame, forward);
  return template;
};

describe("a frame template", () => {
  test("takes frames that differ in their text alone, and hides in them what was hidden in the first", () => {
    const texts = [
      '"two words, 😀"',
      '"say \\"hi\\""',
      '"back\\\\"',
      '"\\\\\\""',
      '"a\\nb"',
      '"}]"',
    ];
    const frames = texts.map((text) => chunk(text));
    for (const frame of frames) {
      expect(learned(plain).match(frame, 0)).toEqual({ end: frame.length, forward: hide(frame) });
    }
    const all = frames.join("");
    expect(learned(plain).match(all, 0)).toEqual({ end: all.length, forward: hide(all) });
    expect(learned(plain, plain).match(all, 0)).toEqual({ end: all.length, forward: all });
  });

  test("begins where it is told and ends at the first frame that is not alike, or not whole", () => {
    const other = "data: [DONE]\n\n";
    const text = other + plain + plain + other + plain;
    const end = other.length + 2 * plain.length;
    expect(learned(plain).match(text, other.length)).toEqual({ end, forward: hide(plain + plain) });
    expect(learned(plain).match(text, 0)).toBeUndefined();
    for (let cut = 1; cut < plain.length; cut += 1) {
      const short = plain + plain.slice(0, cut);
      expect(learned(plain).match(short, 0)?.end).toBe(plain.length);
    }
  });

  test("takes padding of any length for part of the text", () => {
    const padded = (content: string, padding: string) =>
      chunk(content, `,"finish_reason":null}]${nullUsage},"obfuscation":"${padding}"}`);
    const before = (content: string, padding: string) =>
      chunk(content, `,"finish_reason":null}],"obfuscation":"${padding}"${nullUsage}}`);
    for (const shape of [padded, before]) {
      const text = shape('"one"', "xyz") + shape('"two"', "") + shape('"\\""', "\\\\");
      const template = learned(shape('"zero"', "abcdef"));
      expect(template.match(text, 0)).toEqual({ end: text.length, forward: hide(text) });
      expect(template.match(shape('"one"', 'x","finish_reason":"stop'), 0)).toBeUndefined();
    }
  });

  test("takes no frame whose text might end elsewhere than it seems", () => {
    const unlike = [
      '""',
      '"a","content":"b"',
      '"x"},"finish_reason":"stop","delta":{"content":"y"',
      "null",
      '"a\n\nb"',
      '"a\nb"',
      '"a\\"',
    ];
    for (const content of unlike) expect(learned(plain).match(chunk(content), 0)).toBeUndefined();
    const finished = chunk('"x"', `,"finish_reason":"stop"}]${nullUsage}}`);
    expect(learned(plain).match(finished, 0)).toBeUndefined();
    expect(learned(plain).match(plain.replace('"index":0', '"index":1'), 0)).toBeUndefined();
    expect(learned(plain).match("data: [DONE]\n\n", 0)).toBeUndefined();
    expect(createFrameTemplate(keys).match(plain, 0)).toBeUndefined();
  });

  test.each([
    ["no text", chunk('""'), chunk('""')],
    ["no such key", "data: {}\n\n", "data: {}\n\n"],
    ["something hidden before the text", plain.replace('{"id"', '{"usage":null,"id"'), plain],
    ["all of it hidden", plain, ""],
    ["something else hidden", plain, plain.replace('"id":"c1",', "")],
    ["data on several lines", plain.replace("}]", "}\ndata: ]"), undefined],
    ["CRLF", plain.replaceAll("\n", "\r\n"), undefined],
    ["CR in the text", chunk('"a\rb"'), undefined],
    ["no blank line", plain.slice(0, -1), undefined],
    ["a text that does not end", 'data: {"content":"abc\n\n', undefined],
    ["padding that does not end", 'data: {"content":"abc","obfuscation":"\n\n', undefined],
  ])("learns nothing from a frame with %s", (_, frame, forward) => {
    const template = learned(frame, forward ?? hide(frame));
    expect(template.match(frame, 0)).toBeUndefined();
    expect(template.match(plain, 0)).toBeUndefined();
  });

  test("keeps what it had when a frame teaches nothing", () => {
    const template = learned(plain);
    template.learn("data: {}\n\n", "data: {}\n\n");
    expect(template.match(plain, 0)?.forward).toBe(hide(plain));
    template.learn('data: {"text":"a"}\n\n', 'data: {"text":"a"}\n\n');
    expect(template.match('data: {"text":"bc"}\n\n', 0)?.end).toBe(21);
    expect(template.match(plain, 0)).toBeUndefined();
  });
});
