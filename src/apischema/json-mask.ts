// Writes what a guardrail made of JSON text, whose escapes it was shown undone, back as JSON: the quotes,
// brackets and commas that stood between two strings stay, and what is put into a string is escaped. Pure, runs
// on any thread.

import type { DecodedJson } from "./json-escapes.ts";
import type { Replacement } from "./mask-alignment.ts";

/** Where the strings of a JSON text begin and end, places counted with its escapes undone. */
export interface StringQuotes {
  /** More of the text: a piece that ends outside an escape, and begins at `start`. */
  readonly add: (raw: string, decoded: DecodedJson, start: number) => void;
  /** From `start` on and before `end`, in order. */
  readonly between: (start: number, end: number) => readonly number[];
  /** Whether what stands there is in a string, or is the quote that ends one. */
  readonly isInString: (at: number) => boolean;
  /** Nothing before that will be asked for again. */
  readonly forget: (before: number) => void;
}

export function createStringQuotes(): StringQuotes {
  let known: number[] = [];
  let forgotten = 0;
  const countBefore = (at: number): number => {
    let [low, high] = [0, known.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((known[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    add(raw, { text, offsets }, start) {
      for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) {
        if (raw.charAt(offsets?.[at] ?? at) === '"') known.push(start + at);
      }
    },
    between: (start, end) => known.slice(countBefore(start), countBefore(end)),
    isInString: (at) => ((forgotten + countBefore(at)) & 1) === 1,
    forget(before) {
      const count = countBefore(before);
      known = known.slice(count);
      forgotten += count;
    },
  };
}

export interface DecodedPlaces {
  readonly quotes: StringQuotes;
  /** Of the text with its escapes undone. */
  readonly slice: (start: number, end: number) => string;
}

/**
 * The same replacements, split at the quotes they go across, with texts as they are to be written. One that did
 * away with what was between its strings is JSON itself, and stays whole.
 */
export function writtenAsJson(
  replacements: readonly Replacement[],
  places: DecodedPlaces,
): Replacement[] {
  return replacements.flatMap((replacement) => split(replacement, places) ?? [replacement]);
}

/** `[start, end)` of the inside of a string and what it becomes, `text` not yet escaped. */
interface Inside extends Replacement {
  /** Whether the quote before it is in what is replaced. */
  readonly hasOpening: boolean;
}

function split(replacement: Replacement, places: DecodedPlaces): Replacement[] | undefined {
  const { start, end, text } = replacement;
  const quotes = places.quotes.between(start, end);
  let inside = places.quotes.isInString(start);
  if (quotes.length === 0) return inside ? [{ start, end, text: escaped(text) }] : undefined;
  const insides: Inside[] = [];
  let from = start;
  let cursor = 0;
  for (let at = 0; at <= quotes.length; at++) {
    const quote = quotes[at];
    if (inside) {
      // As far as the run of punctuation that comes next in both.
      const until = quote ?? end;
      const run = quote === undefined ? "" : places.slice(quote, (quotes[at + 1] ?? end - 1) + 1);
      const endsHere = quote === undefined || quotes[at + 1] === undefined;
      const next = endsHere ? text.length - run.length : text.indexOf(run, cursor);
      if (next < cursor || !text.startsWith(run, next)) return undefined;
      insides.push({ start: from, end: until, text: text.slice(cursor, next), hasOpening: at > 0 });
      cursor = next;
      from = until;
    } else {
      const until = quote === undefined ? end : quote + 1;
      const run = places.slice(from, until);
      if (!text.startsWith(run, cursor)) return undefined;
      cursor += run.length;
      from = until;
    }
    inside = !inside;
  }
  return insides.flatMap((part) => written(part, places));
}

/** Nothing that was not changed; what comes into an empty string has a quote of it for its place. */
function written({ start, end, text, hasOpening }: Inside, places: DecodedPlaces): Replacement[] {
  if (text === places.slice(start, end)) return [];
  if (start < end) return [{ start, end, text: escaped(text) }];
  return hasOpening
    ? [{ start: start - 1, end: start, text: `"${escaped(text)}` }]
    : [{ start, end: start + 1, text: `${escaped(text)}"` }];
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
