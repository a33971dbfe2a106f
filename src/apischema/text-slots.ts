// Every text of a request, a reply or a stream's event, with the way to the JSON string that holds it.
// Pure, runs on any thread. Closed the safe way round: a string is a text unless its key is known to hold
// none, so that a field nobody has heard of is looked at, not passed over.

import type { GatewayError } from "../errors/gateway-error.ts";
import type { JsonPath } from "./json-edit.ts";

export interface TextSlot {
  readonly path: JsonPath;
  /** The string as it stands in the document; never empty. */
  readonly raw: string;
  /** `json`: the string holds JSON text itself (a tool call's arguments), or a piece of it. */
  readonly kind: "text" | "json";
}

/** Texts in document order, and where images are. */
export interface DocumentTexts {
  readonly slots: TextSlot[];
  readonly images: ImageSlot[];
}

export interface ImageSlot {
  readonly path: JsonPath;
  /** A data URL, an address, or base64. */
  readonly image: string;
}

/** Steps of paths, in all: a body of short texts must not take a hundred times its size once it is read. */
const stepsMax = 500_000;

/**
 * `skipped`: keys of the document itself that hold no text. `tooMany`: what is thrown where there are more
 * texts than any conversation has, or than paths to them can be kept.
 *
 * @throws GatewayError `tooMany`
 */
export function readTexts(
  document: unknown,
  skipped: ReadonlySet<string>,
  tooMany: () => GatewayError,
): DocumentTexts {
  const found: DocumentTexts = { slots: [], images: [] };
  if (!isObject(document)) return found;
  const reading: Reading = { found, steps: [], keptSteps: 0, tooMany };
  for (const [key, value] of Object.entries(document)) {
    if (skipped.has(key)) continue;
    reading.steps.push(key);
    walk(value, { key, free: false, parent: document }, reading);
    reading.steps.pop();
  }
  return found;
}

/** Keys whose strings are names, ids, kinds and bytes of the protocol. */
const structural: ReadonlySet<string> = new Set([
  "type",
  "role",
  "id",
  "name",
  "object",
  "model",
  "format",
  "finish_reason",
  "stop_reason",
  "native_finish_reason",
  "service_tier",
  "system_fingerprint",
  "signature",
  "encrypted_content",
  "encrypted_index",
  "tool_call_id",
  "tool_use_id",
  "call_id",
  "file_id",
  "container_id",
  "request_id",
  "media_type",
  "mime_type",
  "obfuscation",
  "required",
  "file_data",
  "detail",
  "provider",
]);
/** Subtrees without a text: what is in log probabilities is in the text beside them. */
const opaque: ReadonlySet<string> = new Set(["logprobs", "usage", "cache_control", "timings"]);
/** Below these everything is somebody's own, whatever its key. */
const freeForm: ReadonlySet<string> = new Set([
  "input",
  "arguments",
  "default",
  "enum",
  "const",
  "example",
  "examples",
  "input_examples",
]);
/** What stands right below these in a schema is called as somebody likes, and means nothing to us. */
const naming: ReadonlySet<string | number | undefined> = new Set([
  "properties",
  "patternProperties",
  "dependentSchemas",
  "$defs",
  "definitions",
]);
/** Strings that hold JSON text. */
const jsonText: ReadonlySet<string> = new Set(["arguments", "partial_json"]);

interface Reading {
  readonly found: DocumentTexts;
  /** The way to where the reading is. */
  readonly steps: (string | number)[];
  keptSteps: number;
  readonly tooMany: () => GatewayError;
}

interface Place {
  /** The nearest key above; a list's elements count as the list's own. "" where the key is somebody's own. */
  readonly key: string;
  readonly free: boolean;
  /** The object or array that the value is in. */
  readonly parent: object;
}

function walk(value: unknown, place: Place, reading: Reading): void {
  if (typeof value === "string") {
    readString(value, place, reading);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const { key } = place;
  if (!place.free && opaque.has(key)) return;
  const free = place.free || freeForm.has(key);
  const { steps } = reading;
  if (Array.isArray(value)) {
    for (const [step, child] of (value as unknown[]).entries()) {
      steps.push(step);
      walk(child, { key, free, parent: value }, reading);
      steps.pop();
    }
    return;
  }
  const isNaming = naming.has(steps.at(-1));
  for (const [step, child] of Object.entries(value)) {
    steps.push(step);
    walk(child, { key: isNaming ? "" : step, free, parent: value }, reading);
    steps.pop();
  }
}

function readString(raw: string, { key, free, parent }: Place, reading: Reading): void {
  const { found, steps } = reading;
  if (raw === "") return;
  const isFixed = !free && structural.has(key);
  if (isFixed || (!free && key === "data" && isBinary(parent) && !isImage(key, steps, parent))) {
    return;
  }
  reading.keptSteps += steps.length;
  if (reading.keptSteps > stepsMax) throw reading.tooMany();
  const path = [...steps];
  if (!free && isImage(key, steps, parent)) found.images.push({ path, image: raw });
  else found.slots.push({ path, raw, kind: jsonText.has(key) && !free ? "json" : "text" });
}

/** `image_url.url` (or `image_url` itself), and `source.url` or `source.data` of an image block. */
function isImage(key: string, path: JsonPath, parent: object): boolean {
  if (key === "image_url") return true;
  const above = path.at(-2);
  if (key === "url") return above === "image_url" || (above === "source" && hasType(parent, "url"));
  return (
    key === "data" &&
    above === "source" &&
    hasType(parent, "base64") &&
    String((parent as { media_type?: unknown }).media_type).startsWith("image/")
  );
}

/** Audio and files in base64, beside what says so: a plain-text document has its text in `data` too. */
function isBinary(parent: object): boolean {
  return hasType(parent, "base64") || "format" in parent || "expires_at" in parent;
}

function hasType(parent: object, type: string): boolean {
  return (parent as { type?: unknown }).type === type;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
