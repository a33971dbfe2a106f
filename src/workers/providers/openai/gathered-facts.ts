// Gathers the facts of one OpenAI-format reply from its body, or from the chunks of its stream, whose
// fields have the same names. Worker thread. Lives as long as the call.

import { readErrorFacts } from "../error-facts.ts";
import { asArray, asObject, asName, type JsonObject } from "../json-probe.ts";
import type { ReplyFacts } from "../reply-facts.ts";
import { readOpenAIUsage } from "./usage.ts";

export interface OpenAIFacts {
  /**
   * Takes what a body or chunk tells: the first id and model count, the last usage. Returns the error's
   * type when it tells of one.
   */
  note(json: JsonObject): string | undefined;
  /** Whether id and model are known. */
  hasHead(): boolean;
  hasChoice(index: number): boolean;
  /** Whether there are choices and each has its finish reason. */
  isFinished(): boolean;
  errorType(): string | undefined;
  /** With `isCut`, a choice without finish reason says "error". */
  facts(isCut: boolean): ReplyFacts;
}

/** The API allows 128 choices; an index beyond any reason is not worth a slot. */
const choiceIndexMax = 1023;

export function createOpenAIFacts(): OpenAIFacts {
  const known: { -readonly [Name in keyof ReplyFacts]?: ReplyFacts[Name] } = {};
  const reasons = new Map<number, string | undefined>();

  function noteChoice(choice: unknown, position: number): void {
    const fields = asObject(choice);
    if (fields === undefined) return;
    const { index } = fields;
    const slot = typeof index === "number" && Number.isInteger(index) ? index : position;
    if (slot < 0 || slot > choiceIndexMax) return;
    reasons.set(slot, asName(fields["finish_reason"]) ?? reasons.get(slot));
  }

  function finishReasons(isCut: boolean): string[] {
    const count = reasons.size === 0 ? 0 : Math.max(...reasons.keys()) + 1;
    const listed = Array.from({ length: count }, (_, index) => reasons.get(index));
    if (!isCut && listed.every((reason) => reason === undefined)) return [];
    return listed.map((reason) => reason ?? "error");
  }

  return {
    note(json) {
      const id = asName(json["id"]);
      if (id !== undefined) known.id ??= id;
      const model = asName(json["model"]);
      if (model !== undefined) known.model ??= model;
      const fingerprint = asName(json["system_fingerprint"]);
      if (fingerprint !== undefined) known.systemFingerprint ??= fingerprint;
      const serviceTier = asName(json["service_tier"]);
      if (serviceTier !== undefined) known.serviceTier = serviceTier;
      const usage = readOpenAIUsage(json["usage"]);
      if (usage !== undefined) known.usage = usage;
      for (const [position, choice] of asArray(json["choices"]).entries()) {
        noteChoice(choice, position);
      }
      const error = readErrorFacts(json);
      Object.assign(known, error);
      return error?.errorType;
    },
    hasHead: () => known.id !== undefined && known.model !== undefined,
    hasChoice: (index) => reasons.has(index),
    isFinished: () =>
      reasons.size > 0 && [...reasons.values()].every((reason) => reason !== undefined),
    errorType: () => known.errorType,
    facts: (isCut) => ({ ...known, finishReasons: finishReasons(isCut) }),
  };
}
