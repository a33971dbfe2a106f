// What was said, for the `chat` span: only where `tracing.capture_content` is on. It records what the
// provider was sent and what the client was given, so that what a guardrail masked stays masked. Belongs to
// one call. Worker thread.

import {
  anthropicInputMessages,
  anthropicOutputMessages,
  anthropicSystem,
} from "../apischema/anthropic-messages.ts";
import { createAnthropicGathering, createOpenAIGathering } from "../apischema/gathered-reply.ts";
import { parseLooseObject } from "../apischema/loose-json.ts";
import { boundedJson } from "../apischema/message-parts.ts";
import { openaiInputMessages, openaiOutputMessages } from "../apischema/openai-messages.ts";
import { createFrameSplitter, readFrame } from "../apischema/sse-frames.ts";
import { binaryToUtf8 } from "../protocol/binary-string.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import type { Attributes } from "../tracing/recorder/span-encoding.ts";

export interface ContentCapture {
  /** The body as it goes to the provider. */
  readonly request: (body: string) => void;
  /** A whole reply as it goes to the client. */
  readonly reply: (body: string) => void;
  /** More of a stream as it goes to the client: a binary string. */
  readonly part: (binary: string) => void;
  /** What is known so far. */
  readonly attributes: () => Attributes;
}

/** An event larger than this is not looked into. */
const frameCharsMax = 16 * 1024 * 1024;

export function createContentCapture({
  api,
  limitChars,
}: {
  readonly api: "openai" | "anthropic";
  /** Of each attribute. */
  readonly limitChars: number;
}): ContentCapture {
  const isOpenAI = api === "openai";
  const toMessages = isOpenAI ? openaiOutputMessages : anthropicOutputMessages;
  const attributes: Attributes = {};
  const gathered = isOpenAI
    ? createOpenAIGathering(limitChars)
    : createAnthropicGathering(limitChars);
  let isOver = false;
  let splitter: ReturnType<typeof createFrameSplitter> | undefined;

  function set(name: string, messages: readonly unknown[]): void {
    const json = messages.length === 0 ? "" : boundedJson(messages, limitChars);
    if (json !== "") attributes[name] = json;
  }

  return {
    request(body) {
      const json = parseLooseObject(body);
      if (json === undefined) return;
      set(attr.inputMessages, isOpenAI ? openaiInputMessages(json) : anthropicInputMessages(json));
      if (!isOpenAI) set(attr.systemInstructions, anthropicSystem(json));
    },
    reply(body) {
      set(attr.outputMessages, toMessages(parseLooseObject(body)));
    },
    part(binary) {
      splitter ??= createFrameSplitter({ frameCharsMax });
      if (isOver) return;
      try {
        for (const frame of splitter.push(binary)) {
          const event = parseLooseObject(binaryToUtf8(readFrame(frame).data ?? ""));
          if (event !== undefined) gathered.note(event);
        }
      } catch {
        isOver = true; // too long to be an event: what the client gets is not for the trace to judge
      }
    },
    attributes() {
      if (splitter !== undefined) set(attr.outputMessages, toMessages(gathered.reply()));
      return attributes;
    },
  };
}
