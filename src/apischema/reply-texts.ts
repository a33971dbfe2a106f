// The texts of a whole reply and of a stream's single events. Pure, runs on any thread. A stream's texts
// come in pieces: pieces of one channel are parts of one text, whose next piece may end its word.

import { GatewayError } from "../errors/gateway-error.ts";
import { asArray, asObject, isText, type LooseObject } from "./loose-json.ts";
import { readTexts } from "./text-slots.ts";
import type { DocumentTexts, ImageSlot, TextSlot } from "./text-slots.ts";

/** Fields of a reply that tell of it and hold nothing generated. */
const framing: ReadonlySet<string> = new Set([
  "id",
  "object",
  "model",
  "type",
  "created",
  "usage",
  "timings",
  "service_tier",
  "system_fingerprint",
  "provider",
  "obfuscation",
  "request_id",
  "stop_reason",
  "stop_sequence",
  "role",
  "container",
  "prompt_filter_results",
]);

/** @throws GatewayError `guardrail_failed` for more texts than can be kept; so does {@link readEventTexts} */
export function readReplyTexts(body: unknown): DocumentTexts {
  return readTexts(body, framing, tooManyTexts);
}

function tooManyTexts(): GatewayError {
  return new GatewayError("guardrail_failed", "the reply has more texts than can be checked");
}

export interface TextPiece extends TextSlot {
  /** Names the text that this is a piece of; undefined: a text of its own. */
  readonly channel: string | undefined;
}

export interface EventTexts {
  readonly pieces: readonly TextPiece[];
  /** Whole ones: no API sends an image in pieces that could be put together here. */
  readonly images: readonly ImageSlot[];
  /** The channels that end with this event begin with this; undefined: none do. */
  readonly ends: string | undefined;
}

/** Keys under which a stream sends a text in pieces. */
const inPieces: ReadonlySet<string> = new Set([
  "content",
  "refusal",
  "reasoning",
  "reasoning_content",
  "arguments",
  "text",
  "thinking",
  "partial_json",
  "transcript",
  "input",
  "summary",
]);

/** The texts of one event's data that has been through JSON.parse. */
export function readEventTexts(api: "openai" | "anthropic", event: unknown): EventTexts {
  const data = asObject(event) ?? {};
  const { slots, images } = readTexts(data, framing, tooManyTexts);
  if (api === "openai") {
    const pieces = slots.map((slot) => ({ ...slot, channel: openaiChannel(data, slot) }));
    return { pieces, images, ends: undefined };
  }
  const block = typeof data["index"] === "number" ? `${data["index"]} ` : undefined;
  const pieces = slots.map((slot) => ({ ...slot, channel: anthropicChannel(slot, block) }));
  return { pieces, images, ends: data["type"] === "content_block_stop" ? block : undefined };
}

/** `choices[i].delta…`: lists are told apart by their elements' `index`, as their place says nothing. */
function openaiChannel(data: LooseObject, { path }: TextSlot): string | undefined {
  const last = path.at(-1);
  if (path[0] !== "choices" || !isText(last) || !inPieces.has(last)) return undefined;
  let channel = "";
  let value: unknown = data;
  for (const step of path) {
    if (typeof step === "number") {
      value = asArray(value)[step];
      const index = asObject(value)?.["index"];
      channel += `${typeof index === "number" ? index : step}.`;
    } else {
      value = asObject(value)?.[step];
      channel += `${step}.`;
    }
  }
  return channel;
}

/** A block may begin with its first text already: `content_block.text`, then `delta.text`. */
function anthropicChannel({ path }: TextSlot, block: string | undefined): string | undefined {
  const [top, key] = path;
  if (block === undefined || path.length !== 2 || !isText(key) || !inPieces.has(key)) {
    return undefined;
  }
  return top === "delta" || top === "content_block" ? block + key : undefined;
}
