import { describe, expect, test } from "bun:test";
import { binaryToUtf8, utf8ToBinary } from "../../../../src/protocol/binary-string.ts";
import { createHeldFrames } from "../../../../src/workers/guardrails/held-frames.ts";
import type { HeldFrames } from "../../../../src/workers/guardrails/held-frames.ts";
import { randomArguments } from "../../apischema/random-arguments.ts";
import { createRandom } from "../../apischema/random-json.ts";

type Api = "openai" | "anthropic";
type Check = (texts: readonly string[], final: boolean) => readonly string[];

const blocked = new Error("blocked");

function held(
  api: Api,
  check: Check,
  options: Partial<Parameters<typeof createHeldFrames>[0]> = {},
): HeldFrames {
  return createHeldFrames({
    api,
    holdbackChars: 16,
    windowChars: 24,
    windowMs: 50,
    whole: false,
    nowMs: () => 0,
    decode: binaryToUtf8,
    encode: utf8ToBinary,
    check: async ({ texts, images, final }) => ({ texts: check(texts, final), images }),
    ...options,
  });
}

/** One text of a stream: how its delta is written, and where it is found again. */
interface Shape {
  readonly api: Api;
  readonly head: readonly string[];
  readonly frame: (piece: string) => string;
  readonly tail: readonly string[];
  readonly textOf: (stream: string) => string;
}

const openaiEvent = (delta: object, index = 0): string =>
  `data: ${JSON.stringify({ id: "chatcmpl-1", choices: [{ index, delta, finish_reason: null }] })}\n\n`;
const anthropicEvent = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const anthropicDelta = (delta: object): string =>
  anthropicEvent("content_block_delta", { index: 0, delta });

interface Delta {
  readonly content?: string;
  readonly refusal?: string;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly { readonly function?: { readonly arguments?: string } }[];
}

interface StreamDocument {
  readonly choices?: readonly { readonly delta: Delta; readonly logprobs?: unknown }[];
  readonly delta?: Readonly<Record<string, string>>;
}

function documents(stream: string): StreamDocument[] {
  return binaryToUtf8(stream)
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)) as StreamDocument);
}
const openaiText =
  (read: (delta: Delta) => string | undefined) =>
  (stream: string): string =>
    documents(stream)
      .map((document) => read(document.choices?.[0]?.delta ?? {}) ?? "")
      .join("");
const anthropicText =
  (key: string) =>
  (stream: string): string =>
    documents(stream)
      .map((document) => document.delta?.[key] ?? "")
      .join("");

const anthropicTail = [
  anthropicEvent("content_block_stop", { index: 0 }),
  anthropicEvent("message_stop", {}),
];
const shapes: Readonly<Record<string, Shape>> = {
  "OpenAI content": {
    api: "openai",
    head: [openaiEvent({ role: "assistant", content: "" })],
    frame: (content) => openaiEvent({ content }),
    tail: ["data: [DONE]\n\n"],
    textOf: openaiText((delta) => delta.content),
  },
  "OpenAI refusal": {
    api: "openai",
    head: [],
    frame: (refusal) => openaiEvent({ refusal }),
    tail: ["data: [DONE]\n\n"],
    textOf: openaiText((delta) => delta.refusal),
  },
  "OpenAI reasoning": {
    api: "openai",
    head: [],
    frame: (piece) => openaiEvent({ reasoning_content: piece }),
    tail: ["data: [DONE]\n\n"],
    textOf: openaiText((delta) => delta.reasoning_content),
  },
  "OpenAI tool-call arguments": {
    api: "openai",
    head: [
      openaiEvent({
        tool_calls: [{ index: 1, id: "call_1", function: { name: "f", arguments: "" } }],
      }),
    ],
    frame: (piece) => openaiEvent({ tool_calls: [{ index: 1, function: { arguments: piece } }] }),
    tail: ["data: [DONE]\n\n"],
    textOf: openaiText((delta) => delta.tool_calls?.[0]?.function?.arguments),
  },
  "Anthropic text": {
    api: "anthropic",
    head: [anthropicEvent("message_start", { message: { id: "msg_1", content: [] } })],
    frame: (text) => anthropicDelta({ type: "text_delta", text }),
    tail: anthropicTail,
    textOf: anthropicText("text"),
  },
  "Anthropic thinking": {
    api: "anthropic",
    head: [],
    frame: (thinking) => anthropicDelta({ type: "thinking_delta", thinking }),
    tail: anthropicTail,
    textOf: anthropicText("thinking"),
  },
  "Anthropic tool input": {
    api: "anthropic",
    head: [
      anthropicEvent("content_block_start", {
        index: 0,
        content_block: { type: "tool_use", id: "t", name: "f", input: {} },
      }),
    ],
    frame: (piece) => anthropicDelta({ type: "input_json_delta", partial_json: piece }),
    tail: anthropicTail,
    textOf: anthropicText("partial_json"),
  },
};

/** Pumps frames as a worker does. Stops, with what has left so far, when a check blocks. */
async function pump(
  frames: HeldFrames,
  stream: readonly string[],
): Promise<{ out: string; ended: string }> {
  let out = "";
  try {
    for (const frame of stream) {
      frames.push(utf8ToBinary(frame));
      if (frames.dueMs() === 0) out += await frames.settle(false);
    }
    out += await frames.settle(true);
    return { out, ended: "well" };
  } catch (error) {
    if (error !== blocked) throw error;
    return { out, ended: "blocked" };
  }
}

function streamOf(shape: Shape, pieces: readonly string[]): string[] {
  return [...shape.head, ...pieces.map(shape.frame), ...shape.tail];
}

const blockWord =
  (word: string): Check =>
  (texts) => {
    if (texts.some((text) => text.includes(word))) throw blocked;
    return texts;
  };
const maskWord =
  (word: string): Check =>
  (texts) =>
    texts.map((text) => text.replaceAll(word, "[gone]"));

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}

function cut(text: string, next: () => number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const size = 1 + Math.floor(next() * 12);
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
}

const word = "top secret word";
const lead = "some words that come before the one that must not be seen ";
const after = " and then a good many other words that nobody minds being read at all";

describe.each(Object.keys(shapes))("%s", (name) => {
  const shape = shapes[name]!;

  test("a word that blocks never leaves even in part, wherever it is cut", async () => {
    for (let at = 0; at <= word.length; at++) {
      const pieces = [lead, word.slice(0, at), word.slice(at), after].filter(
        (piece) => piece !== "",
      );
      const { out, ended } = await pump(held(shape.api, blockWord(word)), streamOf(shape, pieces));
      expect(ended).toBe("blocked");
      const text = shape.textOf(out);
      expect(lead.startsWith(text)).toBe(true);
    }
  });

  test("a word that comes one char a frame never leaves even in part", async () => {
    let longest = 0;
    for (let skipped = 0; skipped < 30; skipped++) {
      const before = lead.slice(skipped);
      const pieces = (before + word + after).split("");
      const { out, ended } = await pump(held(shape.api, blockWord(word)), streamOf(shape, pieces));
      expect(ended).toBe("blocked");
      expect(before.startsWith(shape.textOf(out))).toBe(true);
      longest = Math.max(longest, shape.textOf(out).length);
    }
    // And it is live: most of what came before has left.
    expect(longest).toBeGreaterThan(20);
  });

  test("a mask that spans frames and windows rewrites exactly that", async () => {
    const text = lead + word + after + word + lead + "!" + word;
    for (let seed = 1; seed <= 60; seed++) {
      const stream = streamOf(shape, cut(text, random(seed)));
      const { out, ended } = await pump(held(shape.api, maskWord(word)), stream);
      expect(ended).toBe("well");
      expect(shape.textOf(out)).toBe(text.replaceAll(word, "[gone]"));
    }
  });

  test("what is allowed leaves byte for byte, in order", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const stream = streamOf(shape, cut(`${lead}Zürich 東京 🗼${after}`.repeat(3), random(seed)));
      const { out } = await pump(
        held(shape.api, (texts) => texts),
        stream,
      );
      expect(binaryToUtf8(out)).toBe(stream.join(""));
    }
  });

  test("a stream that is held whole leaves at its end alone", async () => {
    const frames = held(shape.api, (texts) => texts, { whole: true });
    const stream = streamOf(shape, cut(lead + after, random(7)));
    for (const frame of stream) {
      frames.push(utf8ToBinary(frame));
      expect(frames.dueMs()).toBeUndefined();
    }
    expect(binaryToUtf8(await frames.settle(true))).toBe(stream.join(""));
  });
});

describe("what is held", () => {
  test("nothing leaves before the first text that may, so that a block is still a plain refusal", async () => {
    const shape = shapes["Anthropic text"]!;
    const frames = held("anthropic", blockWord(word));
    frames.push(utf8ToBinary(shape.head.join("")));
    expect(await frames.settle(false)).toBe("");
    frames.push(utf8ToBinary(shape.frame(word)));
    expect(frames.settle(true)).rejects.toBe(blocked);
  });

  test("texts of choices and tool calls side by side are told apart", async () => {
    const stream = ["top", " se", "cret", " word"].flatMap((piece, at) => [
      openaiEvent({ content: piece }, 0),
      openaiEvent({ content: `${at} harmless words ` }, 1),
    ]);
    const { ended } = await pump(held("openai", blockWord(word)), stream);
    expect(ended).toBe("blocked");
    const mixed = ["top", " se", "cret", " word"].flatMap((piece, at) => [
      openaiEvent({ content: piece }, at % 2),
    ]);
    expect((await pump(held("openai", blockWord(word)), mixed)).ended).toBe("well");
  });

  test("the log probabilities of a masked choice go with its text", async () => {
    const event = `data: ${JSON.stringify({
      choices: [{ index: 0, delta: { content: word }, logprobs: { content: [{ token: word }] } }],
    })}\n\n`;
    const { out } = await pump(held("openai", maskWord(word)), [event]);
    expect(out).not.toContain(word);
    expect(documents(out)[0]?.choices?.[0]?.logprobs).toBeNull();
  });

  test("masks close to each other in arguments keep them valid, however they are cut", async () => {
    const shape = shapes["OpenAI tool-call arguments"]!;
    for (let seed = 1; seed <= 300; seed++) {
      const { raw, mask, expected } = randomArguments(createRandom(seed));
      const pieces = cut(raw, random(seed));
      const frames = held(shape.api, (texts) => texts.map(mask), { windowChars: 1 + (seed % 40) });
      const { out, ended } = await pump(frames, streamOf(shape, pieces));
      expect(ended).toBe("well");
      const value = JSON.parse(shape.textOf(out)) as unknown;
      expect({ seed, pieces, value }).toEqual({ seed, pieces, value: expected });
    }
  });

  test("a word written with escapes inside arguments is found, and its mask keeps them valid", async () => {
    const shape = shapes["OpenAI tool-call arguments"]!;
    const escaped = String.raw`{"a":"in Z\u00fcrich \"now\"","b":"x\\y"}`;
    for (let at = 1; at < escaped.length; at++) {
      const stream = streamOf(shape, [escaped.slice(0, at), escaped.slice(at)]);
      expect((await pump(held("openai", blockWord("Zürich")), stream)).ended).toBe("blocked");
      const mask: Check = (texts) => texts.map((text) => text.replace("Zürich", 'a "town"'));
      const { out } = await pump(held("openai", mask), stream);
      expect(JSON.parse(shape.textOf(out))).toEqual({ a: 'in a "town" "now"', b: "x\\y" });
    }
  });

  test("an image is shown before it leaves, and leaves as it was rewritten", async () => {
    const event = openaiEvent({ images: [{ image_url: { url: "data:image/png;base64,AAAA" } }] });
    const shown: string[] = [];
    const frames = held("openai", (texts) => texts, {
      async check({ texts, images }) {
        shown.push(...images);
        return { texts, images: images.map(() => "data:,gone") };
      },
    });
    const { out } = await pump(frames, [event, openaiEvent({ content: "and words" })]);
    expect(shown).toEqual(["data:image/png;base64,AAAA"]);
    expect(out).toBe(
      event.replace("data:image/png;base64,AAAA", "data:,gone") +
        openaiEvent({ content: "and words" }),
    );
  });

  test("data that is no JSON, and texts under unknown keys, are looked at too", async () => {
    for (const event of [
      `data: {not json ${word}\n\n`,
      `event: x_new\ndata: {"type":"x_new","what":{"else":["${word}"]}}\n\n`,
      `data: {"error":{"message":"${word}"}}\n\n`,
    ]) {
      expect((await pump(held("anthropic", blockWord(word)), [event])).ended).toBe("blocked");
      const { out } = await pump(held("openai", maskWord(word)), [event]);
      expect(out).toContain("[gone]");
      expect(out).not.toContain(word);
    }
  });

  test("a phrase longer than what is held back is masked from where it has not left yet, once", async () => {
    const long = "this phrase is a good deal longer than the sixteen characters that are held back";
    for (let seed = 1; seed <= 40; seed++) {
      const pieces = cut(lead + long + after, random(seed)).map((content) =>
        openaiEvent({ content }),
      );
      const { out } = await pump(held("openai", maskWord(long)), pieces);
      const text = shapes["OpenAI content"]!.textOf(out);
      const [before = "", behind = "", ...more] = text.split("[gone]");
      expect(more).toEqual([]);
      expect(behind).toBe(after);
      expect((lead + long).startsWith(before)).toBe(true);
      expect(before.length).toBeLessThan((lead + long).length - 16);
    }
  });

  test("no word is judged by its first half", async () => {
    const seen: string[] = [];
    const check: Check = (texts, final) => {
      if (!final) seen.push(...texts);
      return texts;
    };
    await pump(
      held("openai", check),
      "an assistant assists with assiduity, always and for everyone"
        .split("")
        .map((content) => openaiEvent({ content })),
    );
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((text) => !/\s$/.test(text))).toEqual([]);
  });

  test("a long text is shown with a bounded part of what came before", async () => {
    let longest = 0;
    const check: Check = (texts) => {
      longest = Math.max(longest, ...texts.map((text) => text.length));
      return texts;
    };
    const stream = Array.from({ length: 4000 }, (_, at) =>
      openaiEvent({ content: `word number ${at} in a row ` }),
    );
    const { out } = await pump(held("openai", check), stream);
    expect(out).toBe(stream.join(""));
    expect(longest).toBeLessThan(20_000);
  });

  test("each check says which of the stream's texts it is shown", async () => {
    const seen: Record<number, string> = {};
    const frames = held("anthropic", (texts) => texts, {
      async check({ texts, images, sources }) {
        for (const [at, source] of sources.entries()) seen[source] = texts[at] ?? "";
        return { texts, images };
      },
    });
    const text = (index: number, piece: string): string =>
      anthropicEvent("content_block_delta", { index, delta: { type: "text_delta", text: piece } });
    for (const frame of [
      text(0, "the first text "),
      text(0, "goes on "),
      anthropicEvent("content_block_stop", { index: 0 }),
      text(1, "the second "),
      text(1, "text"),
    ]) {
      frames.push(utf8ToBinary(frame));
      await frames.settle(false);
    }
    await frames.settle(true);
    expect(seen).toEqual({ 0: "the first text goes on ", 1: "the second text" });
  });

  test("a block that ends is checked and leaves, with no need to wait for more", async () => {
    const frames = held("anthropic", (texts) => texts);
    frames.push(utf8ToBinary(anthropicDelta({ type: "text_delta", text: "short" })));
    expect(frames.dueMs()).toBeUndefined();
    frames.push(utf8ToBinary(anthropicTail[0]!));
    expect(frames.dueMs()).toBe(0);
    expect(await frames.settle(false)).toContain("short");
  });
});
