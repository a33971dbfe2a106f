// Reads an Anthropic-format message stream as it passes. Worker thread. Deltas, which are nearly all of
// it, are let through on a few substring searches; the handful of other events is parsed.

import { readFrame } from "../../../apischema/sse-frames.ts";
import { createFrameTemplate, type FrameTemplate } from "../frame-template.ts";
import { asObject, asText, mayHaveText, parseObject } from "../json-probe.ts";
import type { FrameReading, StreamReader } from "../stream-reader.ts";
import { createAnthropicFacts } from "./gathered-facts.ts";

/** Of the text that frames differ in; what has its key spelled in another way is read by itself. */
const textKeys = ['"text":"', '"partial_json":"', '"thinking":"', '"text": "'] as const;

/** The stream is complete at `message_stop`, and never after an error event. */
export function createAnthropicStreamReader(
  template: FrameTemplate = createFrameTemplate(textKeys),
): StreamReader {
  const reply = createAnthropicFacts();
  let hasBegun = false;
  let isStopped = false;

  function readEvent(frame: string, name: string, data: string): FrameReading {
    hasBegun = true;
    const event = parseObject(data) ?? {};
    // The SDKs go by the event's name; a server that leaves it out is read by the data's type.
    const kind = name === "" ? asText(event["type"]) : name;
    if (kind === "error" || kind === undefined) {
      const isNamed = kind === "error";
      const error =
        reply.noteError(event) ?? (isNamed ? reply.noteError({ error: event }) : undefined);
      if (error !== undefined) return { forward: frame, terminal: true, content: false, error };
    } else if (kind === "message_start") reply.noteMessage(asObject(event["message"]) ?? {});
    else if (kind === "message_delta") reply.noteDelta(event);
    else if (kind === "message_stop") isStopped = true;
    const content =
      kind === "content_block_start"
        ? startsWithContent(event["content_block"])
        : hasDelta(data, kind);
    return { forward: frame, terminal: kind === "message_stop", content };
  }

  function isComplete(): boolean {
    return isStopped && reply.errorType() === undefined;
  }

  return {
    read(frame) {
      if (frame.startsWith("event: content_block_delta\n")) {
        hasBegun = true;
        const content = hasDelta(frame, "content_block_delta");
        if (content) template.learn(frame, frame);
        return { forward: frame, terminal: false, content };
      }
      const { event, data } = readFrame(frame);
      if (data === undefined || event === "ping") {
        return { forward: frame, terminal: false, content: false };
      }
      return readEvent(frame, event, data);
    },
    readAlike: template.match,
    facts: () => reply.facts(hasBegun && !isComplete()),
    complete: isComplete,
  };
}

/** Whether a delta holds text, thinking or a tool's input; signatures and citations are no content. */
function hasDelta(json: string, kind: string | undefined): boolean {
  if (kind !== "content_block_delta") return false;
  return (
    mayHaveText(json, '"text"') ||
    mayHaveText(json, '"partial_json"') ||
    mayHaveText(json, '"thinking"')
  );
}

/** A block of text or thinking starts empty; any other (a tool call, a search result) is there at once. */
function startsWithContent(block: unknown): boolean {
  const { type, text, thinking } = asObject(block) ?? {};
  if (type === "text") return asText(text) !== undefined;
  if (type === "thinking") return asText(thinking) !== undefined;
  return type !== undefined;
}
