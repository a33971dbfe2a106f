// Puts a stream's events together into the reply they would have been without streaming, as far as a span
// records it. Pure but for its own state, which lives as long as the call and holds no more than `charsMax`.

import { asArray, asObject, isText } from "./loose-json.ts";
import type { LooseObject } from "./loose-json.ts";
import { parsedArguments } from "./message-parts.ts";

export interface GatheredReply {
  /** Takes one event's data that has been through JSON.parse. */
  readonly note: (event: LooseObject) => void;
  /** A whole reply's shape, so far. */
  readonly reply: () => LooseObject;
}

type Texts = Record<string, string>;

/** Adds to texts until there are enough of them. */
function createAppender(charsMax: number): (texts: Texts, key: string, more: unknown) => void {
  let left = charsMax;
  return (texts, key, more) => {
    if (!isText(more) || left <= 0) return;
    texts[key] = (texts[key] ?? "") + more.slice(0, left);
    left -= more.length;
  };
}

/** More choices, tool calls or blocks than this are not gathered. */
const entriesMax = 256;

function entryAt<T>(entries: Map<number, T>, index: unknown, make: () => T): T | undefined {
  const at = typeof index === "number" ? index : 0;
  const known = entries.get(at);
  if (known !== undefined || entries.size >= entriesMax) return known;
  const made = make();
  entries.set(at, made);
  return made;
}

/** In the order of the index, which need not be the one they began in. */
function inOrder<T>(entries: ReadonlyMap<number, T>): T[] {
  return [...entries].toSorted(([left], [right]) => left - right).map(([, entry]) => entry);
}

interface Choice {
  readonly texts: Texts;
  readonly calls: Map<number, Texts>;
  /** The one call of a function that there was before tools. */
  readonly legacyCall: Texts;
  finishReason: unknown;
}

export function createOpenAIGathering(charsMax: number): GatheredReply {
  const choices = new Map<number, Choice>();
  const append = createAppender(charsMax);

  function noteDelta(choice: Choice, delta: LooseObject): void {
    for (const key of ["content", "refusal", "reasoning_content", "reasoning"]) {
      append(choice.texts, key, delta[key]);
    }
    for (const part of asArray(delta["content"])) {
      append(choice.texts, "content", asObject(part)?.["text"]);
    }
    noteCalled(choice.legacyCall, delta["function_call"]);
    for (const part of asArray(delta["tool_calls"])) {
      const fields = asObject(part) ?? {};
      const call = entryAt(choice.calls, fields["index"], (): Texts => ({}));
      if (call === undefined) continue;
      if (isText(fields["id"])) call["id"] = fields["id"];
      noteCalled(call, fields["function"] ?? fields["custom"]);
    }
  }

  function noteCalled(call: Texts, called: unknown): void {
    const fields = asObject(called) ?? {};
    append(call, "name", fields["name"]);
    append(call, "arguments", fields["arguments"] ?? fields["input"]);
  }

  return {
    note(event) {
      for (const item of asArray(event["choices"])) {
        const fields = asObject(item) ?? {};
        const choice = entryAt(choices, fields["index"], () => ({
          texts: {},
          calls: new Map<number, Texts>(),
          legacyCall: {},
          finishReason: undefined,
        }));
        if (choice === undefined) continue;
        noteDelta(choice, asObject(fields["delta"]) ?? {});
        choice.finishReason = fields["finish_reason"] ?? choice.finishReason;
      }
    },
    reply: () => ({
      choices: inOrder(choices).map(({ texts, calls, legacyCall, finishReason }) => ({
        finish_reason: finishReason,
        message: {
          ...texts,
          tool_calls: inOrder(calls).map(({ id, name, arguments: written }) => ({
            id,
            function: { name, arguments: written },
          })),
          ...(legacyCall["name"] !== undefined && { function_call: legacyCall }),
        },
      })),
    }),
  };
}

interface Block {
  readonly start: LooseObject;
  readonly texts: Texts;
}

export function createAnthropicGathering(charsMax: number): GatheredReply {
  const blocks = new Map<number, Block>();
  const append = createAppender(charsMax);
  let stopReason: unknown;

  return {
    note(event) {
      const { index } = event;
      const delta = asObject(event["delta"]) ?? {};
      stopReason = delta["stop_reason"] ?? stopReason;
      const start = asObject(event["content_block"]);
      if (start === undefined && event["type"] !== "content_block_delta") return;
      const block = entryAt(blocks, index, () => ({ start: start ?? {}, texts: {} }));
      if (block === undefined) return;
      for (const key of ["text", "thinking"]) append(block.texts, key, (start ?? delta)[key]);
      append(block.texts, "partial_json", delta["partial_json"]);
    },
    reply: () => ({
      stop_reason: stopReason,
      content: inOrder(blocks).map(({ start, texts }) => {
        const { partial_json: json, ...rest } = texts;
        const input =
          json === undefined || json === "" ? undefined : { input: parsedArguments(json) };
        return { ...start, ...rest, ...input };
      }),
    }),
  };
}
