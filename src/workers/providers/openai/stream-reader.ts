// Reads an OpenAI-format chat stream as it passes. Worker thread. Most chunks are let through on a few
// substring searches; one is parsed only when it may hold a fact, and then the parse decides.

import { readFrame } from "../../../apischema/sse-frames.ts";
import { readErrorFacts } from "../error-facts.ts";
import {
  mayHaveText,
  mayHaveValue,
  parseObject,
  valueAfter,
  type JsonObject,
} from "../json-probe.ts";
import type { FrameReading, StreamReader } from "../stream-reader.ts";
import { createChunkTemplate } from "./chunk-template.ts";
import { hasContent, probeContent } from "./chunk-content.ts";
import { hideUsage } from "./hide-usage.ts";
import { createOpenAIFacts, type OpenAIFacts } from "./gathered-facts.ts";

/** Chunks parsed in search of id and model before giving up: some servers never send them. */
const headChunksMax = 8;

/**
 * With `hideUsage`, the usage chunk and every `usage` of other chunks are kept from the client (it did not
 * ask for them). The stream is complete at `[DONE]`, or once each choice has its finish reason.
 */
export function createOpenAIStreamReader(options: { readonly hideUsage: boolean }): StreamReader {
  const reply = createOpenAIFacts();
  const template = createChunkTemplate();
  let chunks = 0;
  let isDone = false;

  function isComplete(): boolean {
    return reply.errorType() === undefined && (isDone || reply.isFinished());
  }

  function readChunk(frame: string, event: string, data: string): FrameReading {
    chunks += 1;
    const hasUsage = data.includes('"usage"');
    const probe = probeContent(data);
    const isNeeded =
      probe === "unsure" ||
      event === "error" ||
      (hasUsage && mayHaveValue(data, '"usage"')) ||
      mayHaveText(data, '"finish_reason"') ||
      data.includes('"error"') ||
      (!reply.hasHead() && chunks <= headChunksMax) ||
      hasNewChoice(data, reply);
    const json = isNeeded ? chunkOf(event, data) : undefined;
    const error = json === undefined ? undefined : reply.note(json);
    if (error !== undefined) return { forward: frame, terminal: true, content: false, error };
    const forward = hasUsage && options.hideUsage ? hideUsage(frame, data, json) : frame;
    if (json === undefined && probe === true && event === "") template.learn(frame, forward);
    return {
      forward,
      terminal: false,
      content: json === undefined ? probe === true : hasContent(json),
    };
  }

  return {
    read(frame) {
      const alike = template.match(frame);
      if (alike !== undefined) {
        chunks += 1;
        return { forward: alike, terminal: false, content: true };
      }
      const { event, data } = readFrame(frame);
      if (data === undefined) return { forward: frame, terminal: false, content: false };
      if (data !== "[DONE]") return readChunk(frame, event, data);
      isDone = true;
      return { forward: frame, terminal: true, content: false };
    },
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
