import { describe, expect, test } from "bun:test";
import { createOpenAIStreamReader } from "../../../../../src/workers/providers/openai/stream-reader.ts";
import { createRandom, type Random } from "../../../apischema/random-json.ts";
import { lineEnds, readStream, wireFixtures } from "../wire-fixtures.ts";

const frame = (chunk: unknown) =>
  `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`;
const choice = (index: number, content: string, finish_reason: string | null = null) => ({
  index,
  delta: { content },
  finish_reason,
});
const head = { id: "c-1", model: "m-1" };

function readAll(frames: readonly string[], hideUsage = false) {
  return readStream(createOpenAIStreamReader({ hideUsage }), frames.join(""), 4096);
}

describe("a provider's stream", () => {
  for (const { name, provider, client, expected } of wireFixtures("openai")) {
    test.each(lineEnds)(`${name} is read and hidden right with %s line ends`, (_, end) => {
      const text = provider.replaceAll("\n", end);
      for (const width of [1, 7, 1000, text.length]) {
        const shown = readStream(createOpenAIStreamReader({ hideUsage: false }), text, width);
        const hidden = readStream(createOpenAIStreamReader({ hideUsage: true }), text, width);
        expect(shown.forwarded).toBe(text);
        expect(hidden.forwarded).toBe(client.replaceAll("\n", end));
        for (const outcome of [shown, hidden]) {
          const { facts, complete, firstContent } = outcome;
          expect({ api: "openai", facts, complete, firstContent }).toEqual(expected);
        }
      }
    });
  }
});

describe("the end of a stream", () => {
  test("is [DONE], or a finish reason for every choice", () => {
    const chunks = [
      frame({ ...head, choices: [choice(0, "a")] }),
      frame({ ...head, choices: [choice(1, "b")] }),
      frame({ ...head, choices: [choice(0, "", "stop")] }),
    ];
    expect(readAll(chunks)).toMatchObject({
      complete: false,
      facts: { finishReasons: ["stop", "error"] },
    });
    const finished = [...chunks, frame({ ...head, choices: [choice(1, "", "length")] })];
    expect(readAll(finished)).toMatchObject({
      complete: true,
      facts: { finishReasons: ["stop", "length"] },
    });
    expect(readAll([...chunks, frame("[DONE]")])).toMatchObject({
      complete: true,
      facts: { finishReasons: ["stop", "error"] },
    });
  });

  test("tells nothing of finish reasons when the provider never did", () => {
    const chunks = [frame({ ...head, choices: [choice(0, "a")] }), frame("[DONE]")];
    expect(readAll(chunks).facts.finishReasons).toEqual([]);
  });

  test("is an error when the stream broke off, even before a choice; nothing before it began", () => {
    expect(readAll([frame({ ...head, choices: [] })]).facts.finishReasons).toEqual(["error"]);
    expect(readAll([": waiting\n\n"]).facts).toEqual({ finishReasons: [] });
    expect(readAll([]).complete).toBe(false);
  });

  test("is terminal where the provider says so and nowhere else", () => {
    const frames = [
      frame({ ...head, choices: [choice(0, "[DONE]", "stop")] }),
      frame("[DONE]"),
      "\n",
    ];
    expect(readAll(frames).readings.map((reading) => reading.terminal)).toEqual([
      false,
      true,
      false,
    ]);
  });
});

describe("id and model", () => {
  const choices = [choice(0, "a")];

  test("are the first that are told, in whichever chunk", () => {
    const frames = [
      frame({ id: "", model: "", choices }),
      frame({ id: "c-1", choices }),
      frame({ id: "c-2", model: "m-1", choices }),
    ];
    expect(readAll(frames).facts).toMatchObject(head);
  });

  test("are not looked for in every chunk of a server that tells none", () => {
    const without = Array.from({ length: 20 }, () => frame({ choices }));
    expect(readAll([...without, frame({ ...head, choices })]).facts.id).toBeUndefined();
  });
});

describe("an error in a stream", () => {
  test.each([
    ['data: {"error":{"message":"m","type":"t","code":"c"}}\n\n', "c", "m"],
    ['data: {"error":{"message":"m","type":"t","code":500}}\n\n', "t", "m"],
    ['data: {"error":{"message":"m","code":500}}\n\n', "500", "m"],
    ['data: {"error":"m"}\n\n', "_OTHER", "m"],
    ['event: error\ndata: {"message":"m","type":"t"}\n\n', "t", "m"],
    ["event: error\ndata: m\n\n", "_OTHER", "m"],
  ])("ends it: %j", (error, errorType, errorMessage) => {
    const outcome = readAll([frame({ ...head, choices: [choice(0, "a")] }), error], true);
    expect(outcome.readings[1]).toEqual({
      forward: error,
      terminal: true,
      content: false,
      error: errorType,
    });
    expect(outcome.facts).toEqual({ ...head, finishReasons: ["error"], errorType, errorMessage });
    expect(outcome.complete).toBe(false);
  });

  test("ends it also when it comes with a choice, as OpenRouter sends it", () => {
    const chunk = { ...head, choices: [choice(0, "a")] };
    const outcome = readAll([
      frame(chunk),
      frame({ ...chunk, error: { code: 502, message: "m" } }),
    ]);
    expect(outcome.readings[1]).toMatchObject({ terminal: true, error: "502" });
    expect(outcome.facts.finishReasons).toEqual(["error"]);
  });

  test("is none when the word is in the text, or null", () => {
    const frames = [
      frame({ ...head, choices: [choice(0, '"error":{"type":"x"}')] }),
      frame({ ...head, error: null, choices: [choice(0, "", "error")] }),
    ];
    expect(readAll(frames)).toMatchObject({ complete: true, facts: { finishReasons: ["error"] } });
    expect(readAll(frames).facts.errorType).toBeUndefined();
  });
});

describe("content, for the time to first token", () => {
  test.each<[unknown, boolean]>([
    [{ content: "a" }, true],
    [{ content: "" }, false],
    [{ content: null, role: "assistant" }, false],
    [{ role: "assistant" }, false],
    [{ reasoning_content: "a" }, true],
    [{ reasoning: "a" }, true],
    [{ refusal: "no" }, true],
    [{ refusal: null, content: "" }, false],
    [{ tool_calls: [{ index: 0, id: "x", function: { name: "f", arguments: "" } }] }, true],
    [{ tool_calls: [] }, false],
    [{ function_call: { arguments: "{" } }, true],
    [{ audio: { id: "a", data: "AAAA" } }, true],
    [{ provider_specific_fields: {} }, false],
  ])("is in a delta %j: %p", (delta, content) => {
    const reader = createOpenAIStreamReader({ hideUsage: false });
    reader.read(frame({ ...head, choices: [choice(0, "")] }));
    const choices = [{ index: 0, delta, finish_reason: null }];
    expect(reader.read(frame({ ...head, choices })).content).toBe(content);
    expect(createOpenAIStreamReader({ hideUsage: false }).read(frame({ choices })).content).toBe(
      content,
    );
  });

  test("is in the text of a legacy completion", () => {
    const reader = createOpenAIStreamReader({ hideUsage: false });
    expect(reader.read(frame({ ...head, choices: [{ index: 0, text: "a" }] })).content).toBe(true);
  });
});

describe("what is not JSON", () => {
  test.each([
    'data: {"usage": {\n\n',
    "data: null\n\n",
    "data: [1]\n\n",
    "data: \n\n",
    "nonsense\n\n",
  ])("passes as it came: %j", (raw) => {
    const reader = createOpenAIStreamReader({ hideUsage: true });
    expect(reader.read(raw)).toEqual({ forward: raw, terminal: false, content: false });
  });
});

describe("over random streams", () => {
  test("the quick way reads what a parse of every chunk reads, and hides no more and no less", () => {
    for (let seed = 0; seed < 1500; seed += 1) {
      const random = createRandom(seed);
      const chunks = Array.from({ length: 1 + random.below(6) }, () => randomChunk(random));
      const spaces = random.chance(0.3) ? 1 : undefined;
      const frames = chunks.map((chunk) => frame(spaced(JSON.stringify(chunk), spaces)));
      const reader = createOpenAIStreamReader({ hideUsage: true });
      const readings = frames.map((raw) => reader.read(raw));
      const expected = readSlowly(chunks);
      const forwarded = expected.shown.map((chunk) =>
        chunk === undefined ? "" : frame(spaced(JSON.stringify(chunk), spaces)),
      );
      const seen: unknown = {
        seed,
        facts: reader.facts(),
        forwarded: readings.map((reading) => reading.forward),
        content: readings.map((reading) => reading.content),
      };
      expect(seen).toEqual({ seed, facts: expected.facts, forwarded, content: expected.content });
    }
  });
});

type Chunk = Record<string, unknown> & {
  choices?: { index: number; delta: { content: string }; finish_reason: string | null }[];
  usage?: { prompt_tokens: number; completion_tokens: number } | null;
};

const texts = [
  "a",
  "",
  '"usage":null',
  ',"usage":{"prompt_tokens":9}',
  'x"usage',
  '"finish_reason":"stop","index":3',
  "\\",
  '"error":{}',
  '"content":""',
] as const;

function randomChunk(random: Random): Chunk {
  const usage = { prompt_tokens: random.below(9), completion_tokens: random.below(9) };
  const choices = Array.from({ length: random.below(3) }, (_, index) =>
    choice(index, random.pick(texts), random.chance(0.2) ? "stop" : null),
  );
  const fields: [string, unknown][] = [
    ["id", "c-1"],
    ["model", "m-1"],
    ["choices", choices],
  ];
  if (random.chance(0.6)) fields.push(["usage", random.chance(0.5) ? null : usage]);
  if (random.chance(0.3)) fields.push(["obfuscation", random.pick(texts)]);
  if (random.chance(0.3)) fields.push(["timings", { n: 1, usage: random.pick([null, usage]) }]);
  if (random.chance(0.2)) fields.push([random.pick(['a,"usage', 'q"usage']), null]);
  // Any order: whatever a server does.
  return Object.fromEntries(fields.toSorted(() => random.below(3) - 1)) as Chunk;
}

/** White space where Python puts it; only outside of strings. */
function spaced(json: string, width: number | undefined): string {
  if (width === undefined) return json;
  return json.replaceAll(/"(?:[^"\\]|\\.)*"|[:,]/g, (token) =>
    token.length === 1 ? `${token} ` : token,
  );
}

function readSlowly(chunks: readonly Chunk[]) {
  const reasons: (string | undefined)[] = [];
  let last: NonNullable<Chunk["usage"]> | undefined;
  for (const { choices = [], usage } of chunks) {
    last = usage ?? last;
    for (const { index, finish_reason } of choices) {
      reasons[index] = finish_reason ?? reasons[index];
    }
  }
  const isFinished = reasons.length > 0 && [...reasons].every((reason) => reason !== undefined);
  const missing =
    reasons.length === 0 ? ["error"] : Array.from(reasons, (reason) => reason ?? "error");
  const usage = last && { inputTokens: last.prompt_tokens, outputTokens: last.completion_tokens };
  return {
    facts: {
      ...head,
      finishReasons: isFinished ? reasons : missing,
      ...(usage !== undefined && { usage }),
    },
    shown: chunks.map((chunk) => {
      if (!("usage" in chunk)) return chunk;
      if (chunk.usage !== null) return (chunk.choices ?? []).length === 0 ? undefined : chunk;
      return Object.fromEntries(Object.entries(chunk).filter(([key]) => key !== "usage"));
    }),
    content: chunks.map(({ choices = [] }) => choices.some(({ delta }) => delta.content !== "")),
  };
}
