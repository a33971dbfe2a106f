import { describe, expect, test } from "bun:test";
import {
  boundedJson,
  mediaPart,
  parsedArguments,
  textPart,
} from "../../../src/apischema/message-parts.ts";

const message = (text: string) => ({ role: "user", parts: [textPart(text)] });

describe("boundedJson", () => {
  test("leaves what fits as it is", () => {
    const messages = [message("a"), message("b")];
    expect(boundedJson(messages, 1000)).toBe(JSON.stringify(messages));
    expect(boundedJson([], 2)).toBe("[]");
  });

  test("cuts long texts first, and stays JSON with every message", () => {
    const json = boundedJson([message("x".repeat(5000)), message("short")], 1000);
    expect(json.length).toBeLessThanOrEqual(1000);
    const parsed = JSON.parse(json) as ReturnType<typeof message>[];
    expect(parsed).toHaveLength(2);
    expect(parsed[0]?.parts[0]?.["content"]).toMatch(/^x+…$/);
    expect(parsed[1]).toEqual(message("short"));
  });

  test("holds whole characters alone: half of one is refused by many a reader", () => {
    for (const before of ["", "x"]) {
      const json = boundedJson([message(before + "🙂".repeat(5000))], 1000);
      expect(json.length).toBeLessThanOrEqual(1000);
      const [read] = JSON.parse(json) as ReturnType<typeof message>[];
      expect(read?.parts[0]?.["content"]).toMatch(/^x?(?:🙂){100,}…$/u);
    }
    expect(boundedJson(["a \\ud83d, a \\\\ and \ud83d"], 100)).toBe(
      JSON.stringify(["a \\ud83d, a \\\\ and \ufffd"]),
    );
  });

  test("then drops the oldest messages: the newest say what was asked", () => {
    const messages = Array.from({ length: 100 }, (_, at) => message(`number ${at}`));
    const parsed = JSON.parse(boundedJson(messages, 500)) as unknown[];
    expect(parsed.length).toBeGreaterThan(3);
    expect(parsed).toEqual(messages.slice(-parsed.length));
  });

  test("of a message that alone is too long keeps the newest parts", () => {
    const parts = Array.from({ length: 100 }, (_, at) => textPart(`number ${at}`));
    const messages = [message("before"), { role: "user", parts }];
    const json = boundedJson(messages, 500);
    expect(json.length).toBeLessThanOrEqual(500);
    const [kept, ...more] = JSON.parse(json) as ReturnType<typeof message>[];
    expect(more).toEqual([]);
    expect(kept?.parts.length).toBeGreaterThan(8);
    expect(kept?.parts).toEqual(parts.slice(-(kept?.parts.length ?? 0)));
    expect(boundedJson(messages, 40)).toBe('[{"role":"user","parts":[]}]');
  });

  test("looks at no more messages than there can be room for", () => {
    let written = 0;
    const counted = {
      role: "user",
      parts: [textPart("short")],
      toJSON(this: object): object {
        written += 1;
        return message("short");
      },
    };
    const many = Array.from({ length: 20_000 }, () => counted);
    const parsed = JSON.parse(boundedJson(many, 1000)) as unknown[];
    expect(parsed.length).toBeGreaterThan(10);
    expect(written).toBeLessThan(20_000);
  });

  test("is empty where nothing fits", () => {
    expect(boundedJson([message("a")], 10)).toBe("");
  });

  test("is within any bound, and JSON, for texts of any kind", () => {
    const texts = ["", '"\\\n', "é日本😀".repeat(300), "\u0000".repeat(900)];
    for (let limit = 0; limit < 4000; limit += 97) {
      const json = boundedJson(texts.map(message), limit);
      expect(json.length).toBeLessThanOrEqual(limit);
      if (json !== "") expect(JSON.parse(json)).toBeArray();
    }
  });
});

test("an inline picture is told by its type, a linked one by its address", () => {
  expect(mediaPart("image", "data:image/png;base64,AAAA")).toEqual({
    type: "blob",
    modality: "image",
    mime_type: "image/png",
    content: "",
  });
  expect(mediaPart("image", "https://a.example/b.png")).toEqual({
    type: "uri",
    modality: "image",
    uri: "https://a.example/b.png",
  });
});

test("arguments are a value where they are JSON, else as they came", () => {
  expect(parsedArguments('{"a":1}')).toEqual({ a: 1 });
  expect(parsedArguments('{"a":')).toBe('{"a":');
});
