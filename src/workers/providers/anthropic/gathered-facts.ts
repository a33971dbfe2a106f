// Gathers the facts of one Anthropic-format reply from its message, or from the events of its stream.
// Worker thread. Lives as long as the call.

import { readErrorFacts } from "../error-facts.ts";
import { asObject, asName, type JsonObject } from "../json-probe.ts";
import type { ReplyFacts } from "../reply-facts.ts";
import { createAnthropicUsage } from "./usage.ts";

export interface AnthropicFacts {
  /** A message, or the first form of it in `message_start`. */
  noteMessage(message: JsonObject): void;
  /** `message_delta`: the stop reason, and usage so far. */
  noteDelta(event: JsonObject): void;
  /** An error body or event; returns its type, undefined when it tells of no error. */
  noteError(json: JsonObject): string | undefined;
  errorType(): string | undefined;
  /** With `isCut`, a message without stop reason says "error". */
  facts(isCut: boolean): ReplyFacts;
}

export function createAnthropicFacts(): AnthropicFacts {
  const known: { -readonly [Name in keyof ReplyFacts]?: ReplyFacts[Name] } = {};
  const usage = createAnthropicUsage();
  let stopReason: string | undefined;

  return {
    noteMessage(message) {
      const id = asName(message["id"]);
      if (id !== undefined) known.id = id;
      const model = asName(message["model"]);
      if (model !== undefined) known.model = model;
      stopReason = asName(message["stop_reason"]) ?? stopReason;
      usage.note(message["usage"]);
    },
    noteDelta(event) {
      stopReason = asName(asObject(event["delta"])?.["stop_reason"]) ?? stopReason;
      usage.note(event["usage"]);
    },
    noteError(json) {
      const error = readErrorFacts(json);
      Object.assign(known, error);
      return error?.errorType;
    },
    errorType: () => known.errorType,
    facts(isCut) {
      const reason = stopReason ?? (isCut ? "error" : undefined);
      const tokens = usage.usage();
      const serviceTier = usage.serviceTier();
      return {
        ...known,
        finishReasons: reason === undefined ? [] : [reason],
        ...(tokens !== undefined && { usage: tokens }),
        ...(serviceTier !== undefined && { serviceTier }),
      };
    },
  };
}
