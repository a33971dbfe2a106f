// Tests: arguments of a tool call with words to be masked, close together and beside all that JSON escapes.

import type { Random } from "./random-json.ts";

export interface RandomArguments {
  /** JSON text, escaped this way or that. */
  readonly raw: string;
  /** Of the arguments with their escapes undone. */
  readonly mask: (text: string) => string;
  /** The arguments with the texts in them masked. */
  readonly expected: unknown;
}

const words = [
  "hello",
  "ok",
  '"',
  "\\",
  "\n",
  "é",
  "🙂",
  "secret",
  " ",
  "x",
  "Amsel",
  "{}",
] as const;
const masks = ["[h]", "", 'a "q"\n', "a longer one, with a comma", "\\"] as const;

export function randomArguments(random: Random): RandomArguments {
  const [first, second] = [random.pick(masks), random.pick(masks)];
  const mask = (text: string): string =>
    text.replaceAll("hello", () => first).replaceAll("Amsel", () => second);
  const value = Object.fromEntries(
    Array.from({ length: 1 + random.below(4) }, (_, at) => [`k${at}`, randomValue(random, 0)]),
  );
  const json = JSON.stringify(value);
  const raw = random.chance(0.5) ? json : json.replaceAll(/[éAm🙂]/gu, escaped);
  return { raw, mask, expected: mapTexts(value, mask) };
}

function escaped(letters: string): string {
  return letters
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}

function randomValue(random: Random, depth: number): unknown {
  if (depth < 2 && random.chance(0.2)) {
    return Array.from({ length: random.below(4) }, () => randomValue(random, depth + 1));
  }
  if (random.chance(0.15)) return random.pick([1, true, null, -2.5]);
  return Array.from({ length: random.below(5) }, () => random.pick(words)).join("");
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item: unknown) => mapTexts(item, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapTexts(item, change)]),
  );
}
