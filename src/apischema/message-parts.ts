// Messages as the GenAI conventions write them on a span (schema 1.42.0), and how they are kept within a
// bound. Pure, runs on any thread; used only where the recording of content is switched on.

/** `type` is text, reasoning, tool_call, tool_call_response, blob, uri, file, or any other word. */
export type MessagePart = Readonly<Record<string, unknown>> & { readonly type: string };

export interface SpanMessage {
  readonly role: string;
  readonly parts: readonly MessagePart[];
  /** Deprecated, but Phoenix drops an output message without it. */
  readonly finish_reason?: string;
}

/** No text is cut below this: rather the oldest messages go. */
const textCharsMin = 64;
/** `{},` */
const messageCharsMin = 3;

/**
 * JSON of at most `limitChars`, and valid whatever had to go: first the ends of long texts, then the oldest
 * messages, then the oldest parts of the newest. Empty where not even its frame fits.
 */
export function boundedJson(all: readonly unknown[], limitChars: number): string {
  // No message takes less: of those before the newest so many none is ever kept.
  const messages = all.slice(-Math.ceil(limitChars / messageCharsMin) - 1);
  let json = asJson(messages);
  if (json.length <= limitChars) return json;
  let textChars = limitChars;
  let shortened: readonly unknown[] = messages;
  while (textChars > textCharsMin) {
    textChars = Math.max(textCharsMin, Math.floor(textChars / 2));
    shortened = messages.map((message) => cutTexts(message, textChars));
    json = asJson(shortened);
    if (json.length <= limitChars) return json;
  }
  const newest = newestWithin(
    shortened.map((message) => asJson(message).length),
    limitChars,
  );
  return newest === 0
    ? newestParts(shortened.at(-1), limitChars)
    : asJson(shortened.slice(-newest));
}

/** A list of the one message, with as many of its last parts as there is room for. */
function newestParts(message: unknown, limitChars: number): string {
  const { parts } = (message ?? {}) as Partial<SpanMessage>;
  if (!Array.isArray(parts)) return "";
  const withParts = (kept: readonly unknown[]): string =>
    asJson([{ ...(message as SpanMessage), parts: kept }]);
  const frameChars = withParts([]).length;
  if (frameChars > limitChars) return "";
  const count = newestWithin(
    parts.map((part) => asJson(part).length),
    limitChars - frameChars + 1,
  );
  return withParts(parts.slice(parts.length - count));
}

/** How many of the last elements make a JSON list of at most `limit`; `sizes` are theirs. */
function newestWithin(sizes: readonly number[], limit: number): number {
  let total = 1;
  let count = 0;
  for (const size of sizes.toReversed()) {
    total += size + 1;
    if (total > limit) break;
    count += 1;
  }
  return count;
}

/** Half a character, as a text may hold and a cut may leave, is U+FFFD: many a reader refuses it. */
function asJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (!json.includes("\\ud")) return json;
  return json.replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (escape) =>
    escape === "\\\\" ? escape : "\ufffd",
  );
}

function cutTexts(value: unknown, charsMax: number): unknown {
  if (typeof value === "string") {
    return value.length <= charsMax ? value : `${beginning(value, charsMax)}…`;
  }
  if (Array.isArray(value)) return value.map((item: unknown) => cutTexts(item, charsMax));
  if (typeof value !== "object" || value === null) return value;
  const cut: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) cut[key] = cutTexts(item, charsMax);
  return cut;
}

/** At most so many chars of it, whole characters alone. */
function beginning(text: string, charsMax: number): string {
  const isCut = /[\ud800-\udbff]/.test(text.charAt(charsMax - 1));
  return text.slice(0, isCut ? charsMax - 1 : charsMax);
}

export function textPart(content: string): MessagePart {
  return { type: "text", content };
}

/** What was sent as an address: a `data:` one is told without its bytes, which are no text to read. */
export function mediaPart(modality: string, uri: string): MessagePart {
  const inline = /^data:([^;,]*)/.exec(uri);
  if (inline === null) return { type: "uri", modality, uri };
  return { type: "blob", modality, mime_type: inline[1] ?? "", content: "" };
}

/** A tool's arguments as a value where they are JSON, else as they came. */
export function parsedArguments(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return json; // a model may write anything, and a stream may end in the middle of it
  }
}
