// Shortens a text to a number of bytes without breaking a character, and JSON without breaking its shape.
// Pure and deterministic.

/** What a cut text ends with, where there is room for it. */
const mark = "…";
const markBytes = 3;

/** The longest beginning of `text` that with its mark takes at most `limitBytes` of UTF-8. */
export function shortenText(text: string, limitBytes: number): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= limitBytes) return text;
  const marked = limitBytes >= markBytes;
  let end = marked ? limitBytes - markBytes : limitBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end) + (marked ? mark : "");
}

/**
 * JSON of the same shape with its longest texts shortened to one common length, at most `limitBytes` of UTF-8.
 * Of a list whose shape alone is too long, only the newest elements; of a message that alone is, only its
 * newest parts. Undefined when `text` is no JSON object or array, or there is no room for any of it.
 */
export function shortenJson(text: string, limitBytes: number): string | undefined {
  const document = parse(text);
  if (document === undefined) return undefined;
  const whole = shortenTexts(document, limitBytes);
  if (whole !== undefined || !Array.isArray(document)) return whole;
  const newest = newestWithin(document, limitBytes);
  if (newest.length > 0) return shortenTexts(newest, limitBytes);
  const message: unknown = document.at(-1);
  const parts: unknown = (message as { parts?: unknown } | null | undefined)?.parts;
  if (!Array.isArray(parts)) return undefined;
  const withParts = (kept: readonly unknown[]): object => [{ ...(message as object), parts: kept }];
  const left = limitBytes - smallestBytes(withParts([])) + 1;
  return left < 1 ? undefined : shortenTexts(withParts(newestWithin(parts, left)), limitBytes);
}

/** As many of the last elements as make a list of at most `limitBytes` once their texts are shortened. */
function newestWithin(elements: readonly unknown[], limitBytes: number): readonly unknown[] {
  let first = elements.length;
  for (let bytes = 1; first > 0; first -= 1) {
    bytes += smallestBytes(elements[first - 1]) + 1;
    if (bytes > limitBytes) break;
  }
  return elements.slice(first);
}

function shortenTexts(document: object, limitBytes: number): string | undefined {
  const sizes: number[] = [];
  const measured = JSON.stringify(document, (_key, value: unknown) => {
    if (typeof value === "string") sizes.push(encodedBytes(value));
    return value;
  });
  const excess = Buffer.byteLength(measured, "utf8") - limitBytes;
  if (excess <= 0) return measured;
  const longest = commonLength(sizes, excess);
  return longest === undefined ? undefined : withTextsUpTo(document, longest);
}

function withTextsUpTo(document: unknown, longest: number): string {
  return JSON.stringify(document, (_key, value: unknown) =>
    typeof value === "string" && encodedBytes(value) > longest
      ? shortenEncoded(value, longest)
      : value,
  );
}

function smallestBytes(value: unknown): number {
  let saved = 0;
  const measured = JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "string") saved += Math.max(0, encodedBytes(part) - shapeBytes);
    return part;
  });
  return Buffer.byteLength(measured, "utf8") - saved;
}

/** Texts up to this many bytes (roles, types, ids) are part of the shape. */
const shapeBytes = 32;

/** The length to which all longer texts come down so that `excess` bytes are saved; undefined: not possible. */
function commonLength(sizes: readonly number[], excess: number): number | undefined {
  const sorted = sizes.filter((size) => size > shapeBytes).toSorted((a, b) => b - a);
  let sum = 0;
  for (const [index, size] of sorted.entries()) {
    sum += size;
    const length = Math.floor((sum - excess) / (index + 1));
    const next = sorted[index + 1] ?? 0;
    if (length >= next) return length < shapeBytes ? undefined : length;
  }
  return undefined;
}

/** Bytes of a text inside JSON's quotes. */
function encodedBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text), "utf8") - 2;
}

/** Shortened until its JSON takes at most `longest` bytes: escapes make it longer than the text itself. */
function shortenEncoded(text: string, longest: number): string {
  let low = 0;
  let high = longest;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (encodedBytes(shortenText(text, middle)) <= longest) low = middle;
    else high = middle - 1;
  }
  return shortenText(text, low);
}

function parse(text: string): object | undefined {
  if (!text.startsWith("[") && !text.startsWith("{")) return undefined;
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === "object" && document !== null ? document : undefined;
  } catch {
    return undefined; // only looks like JSON: cut as text
  }
}
