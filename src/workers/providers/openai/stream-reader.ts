// Reads an OpenAI-format chat stream as it passes. Worker thread. Most chunks are let through on a few
// substring searches; one is parsed only when it may hold a fact, and then the parse decides.

import { readFrame } from "../../../apischema/sse-frames.ts";
import { readErrorFacts } from "../error-facts.ts";
import { createFrameTemplate, type FrameTemplate } from "../frame-template.ts";
import {
  mayHaveText,
  mayHaveValue,
  parseObject,
  valueAfter,
  type JsonObject,
} from "../json-probe.ts";
import type { FrameReading, StreamReader } from "../stream-reader.ts";
import { hasContent, probeContent } from "./chunk-content.ts";
import { hideUsage } from "./hide-usage.ts";
import { createOpenAIFacts, type OpenAIFacts } from "./gathered-facts.ts";

/** Of the text that frames differ in; what has its key spelled in another way is read by itself. */
const textKeys = ['"content":"', '"arguments":"', '"reasoning_content":"', '"content": "'] as const;
/** Chunks parsed in search of id and model before giving up: some servers never send them. */
const headChunksMax = 8;

/**
 * With `hideUsage`, the usage chunk and every `usage` of other chunks are kept from the client (it did not
 * ask for them). The stream is complete at `[DONE]`, or once each choice has its finish reason.
 */
export function createOpenAIStreamReader(options: {
  readonly hideUsage: boolean;
  readonly template?: FrameTemplate;
}): StreamReader {
  const reply = createOpenAIFacts();
  const template = options.template ?? createFrameTemplate(textKeys);
  let chunks = 0;
  let isDone = false;

  function isComplete(): boolean {
    return reply.errorType() === undefined && (isDone || reply.isFinished());
  }

  function readChunk(frame: string, event: string, data: string): FrameReading {
    chunks += 1;
    const isHead = !reply.hasHead() && chunks <= headChunksMax;
    if (isHead || event === "error" || mayHaveFacts(data, reply)) {
      return readFacts(frame, event, data);
    }
    const content = probeContent(data);
    if (content === "unsure") return readFacts(frame, event, data);
    const hasUsage = options.hideUsage && data.includes('"usage"');
    const forward = hasUsage ? hideUsage(frame, data, undefined) : frame;
    // Not one that had to be parsed, or whose usage could not be hidden: it may be no JSON, and the next one some.
    const isClear = !hasUsage || forward !== frame;
    if (content && isClear && event === "") template.learn(frame, forward);
    return { forward, terminal: false, content };
  }

  function readFacts(frame: string, event: string, data: string): FrameReading {
    const json = chunkOf(event, data);
    const error = json === undefined ? undefined : reply.note(json);
    if (error !== undefined) return { forward: frame, terminal: true, content: false, error };
    const hasUsage = options.hideUsage && data.includes('"usage"');
    const forward = hasUsage ? hideUsage(frame, data, json) : frame;
    const content = json === undefined ? probeContent(data) === true : hasContent(json);
    return { forward, terminal: false, content };
  }

  return {
    read(frame) {
      const alike = frame.includes("\r") ? undefined : template.match(frame, 0);
      if (alike?.end === frame.length) {
        return { forward: alike.forward, terminal: false, content: true };
      }
      const { event, data } = readFrame(frame);
      if (data === undefined) return { forward: frame, terminal: false, content: false };
      if (data !== "[DONE]") return readChunk(frame, event, data);
      isDone = true;
      return { forward: frame, terminal: true, content: false };
    },
    readAlike: template.match,
    facts() {
      const facts = reply.facts(!isComplete());
      const isCutEarly = chunks > 0 && !isComplete() && facts.finishReasons.length === 0;
      return isCutEarly ? { ...facts, finishReasons: ["error"] } : facts;
    },
    complete: isComplete,
  };
}

/** A frame named `error` tells of one, whatever its data. */
function chunkOf(event: string, data: string): JsonObject | undefined {
  const json = parseObject(data);
  if (event !== "error" || (json !== undefined && readErrorFacts(json) !== undefined)) return json;
  return { error: json ?? data };
}

/** Whether a chunk may tell of its end, of usage, of an error or of one more choice. */
function mayHaveFacts(data: string, reply: OpenAIFacts): boolean {
  return (
    mayHaveText(data, '"finish_reason"') ||
    mayHaveValue(data, '"usage"') ||
    data.includes('"error"') ||
    hasNewChoice(data, reply)
  );
}

/** Whether an index occurs that is no known choice's; a tool call's index may look like one. */
function hasNewChoice(data: string, reply: OpenAIFacts): boolean {
  let at = valueAfter(data, '"index"', 0);
  if (at === -1) return true;
  while (at !== -1) {
    if (!reply.hasChoice(Number.parseInt(data.slice(at, at + 8), 10))) return true;
    at = valueAfter(data, '"index"', at);
  }
  return false;
}
