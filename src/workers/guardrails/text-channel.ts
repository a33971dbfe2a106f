// One text of a stream as it grows, piece by piece: how far it has been checked, how far it may leave, and
// what of it is to be replaced. Worker threads; belongs to one stream. Places are counted in chars from the
// text's beginning. A piece leaves whole or not at all, and never while a replacement goes through its end.

import { decodeEscapes, unfinishedEscape } from "../../apischema/json-escapes.ts";
import { createStringQuotes, writtenAsJson } from "../../apischema/json-mask.ts";
import { alignMask } from "../../apischema/mask-alignment.ts";
import type { Replacement } from "../../apischema/mask-alignment.ts";

export interface Piece {
  readonly start: number;
  readonly end: number;
  raw: string;
  /** Whether `raw` is no longer what the provider sent. */
  changed: boolean;
  readonly offsets: readonly number[] | undefined;
}

export interface TextChannel {
  readonly add: (raw: string) => Piece;
  /** No more pieces will come. */
  readonly close: () => void;
  readonly uncheckedChars: () => number;
  /** Whether a check now could let the first waiting piece go. */
  readonly isWorthChecking: () => boolean;
  readonly isClosed: () => boolean;
  /** The text to check: what is new, with what came before it (bounded); undefined when nothing is new. */
  readonly beginCheck: (final: boolean) => string | undefined;
  /** The answer to the text of `beginCheck`. */
  readonly endCheck: (masked: string) => void;
  readonly mayLeave: (piece: Piece) => boolean;
  /** The piece as it leaves; to be called in order, once `mayLeave`. */
  readonly leave: (piece: Piece) => { readonly raw: string; readonly changed: boolean };
}

/** How much of what has left already is shown again with each check. */
const contextChars = 16384;
/** A window ends after a word, so that no part of one is judged; so long a word is cut. */
const wordCharsMax = 48;

export function createTextChannel(kind: "text" | "json", holdbackChars: number): TextChannel {
  let text = "";
  let base = 0;
  let released = 0;
  let checked = 0;
  let safe = 0;
  let limit = 0;
  let isClosed = false;
  let carry = "";
  let window: { readonly from: number; readonly to: number; readonly isLast: boolean } | undefined;
  let replacements: readonly Replacement[] = [];
  /** Where the replacement began that the last piece to leave carried the text of. */
  let cutStart = -1;
  const waiting: Piece[] = [];
  const quotes = createStringQuotes();
  const slice = (start: number, end: number): string => text.slice(start - base, end - base);

  const endOf = (): number => base + text.length;

  function add(sent: string): Piece {
    const joined = carry + sent;
    const tail = kind === "json" ? unfinishedEscape(joined) : 0;
    const raw = joined.slice(0, joined.length - tail);
    const changed = carry !== "" || tail > 0;
    carry = joined.slice(joined.length - tail);
    const decoded = kind === "json" ? decodeEscapes(raw) : { text: raw, offsets: undefined };
    const start = endOf();
    text += decoded.text;
    if (kind === "json") quotes.add(raw, decoded, start);
    const piece = { start, end: endOf(), raw, changed, offsets: decoded.offsets };
    waiting.push(piece);
    return piece;
  }

  function wordEnd(): number {
    const from = Math.max(checked, endOf() - wordCharsMax) - base;
    for (let at = text.length; at > from; at--) {
      if (/\s/.test(text.charAt(at - 1))) return base + at;
    }
    return from + base > checked ? endOf() : checked;
  }

  function updateLimit(): void {
    limit = safe;
    for (;;) {
      const bound = limit;
      const last = waiting.findLast((piece) => piece.end <= bound)?.end ?? released;
      const across = replacements.find(({ start, end }) => start < last && last < end);
      if (across === undefined) return;
      limit = across.start;
    }
  }

  function endCheck(masked: string): void {
    if (window === undefined) return;
    const { from, to, isLast } = window;
    const found = alignMask(slice(from, to), masked).map((replacement) => ({
      start: replacement.start + from,
      end: replacement.end + from,
      text: replacement.text,
    }));
    const toWrite = kind === "json" ? writtenAsJson(found, { quotes, slice }) : found;
    replacements = toWrite.flatMap((replacement) => {
      const { start, end } = replacement;
      if (end <= released) return [];
      if (start >= released) return [replacement];
      return [{ start: released, end, text: start === cutStart ? "" : replacement.text }];
    });
    checked = to;
    safe = isLast ? to : Math.max(released, to - holdbackChars);
    window = undefined;
    updateLimit();
  }

  function leave(piece: Piece): { raw: string; changed: boolean } {
    waiting.shift();
    released = piece.end;
    const rewritten = rewrite(piece, replacements);
    const across = replacements.find(({ start, end }) => start < piece.end && piece.end < end);
    if (across !== undefined && across.start >= piece.start) cutStart = across.start;
    const surplus = released - base - 2 * contextChars;
    if (surplus > contextChars) {
      text = text.slice(surplus);
      base += surplus;
      quotes.forget(base);
    }
    return { raw: rewritten, changed: piece.changed || rewritten !== piece.raw };
  }

  return {
    add,
    close() {
      isClosed = true;
      const last = waiting.at(-1);
      if (carry === "" || last === undefined) return;
      // What looked like the beginning of an escape was the end of the text.
      last.raw += carry;
      carry = "";
    },
    uncheckedChars: () => endOf() - checked,
    isWorthChecking: () => {
      const first = waiting[0];
      return first !== undefined && (isClosed || first.end <= endOf() - holdbackChars);
    },
    isClosed: () => isClosed,
    beginCheck(final) {
      const isLast = final || isClosed;
      const to = isLast ? endOf() : wordEnd();
      if (to <= checked) {
        if (isLast) safe = to;
        updateLimit();
        return undefined;
      }
      const from = Math.max(base, released - contextChars);
      window = { from, to, isLast };
      return text.slice(from - base, to - base);
    },
    endCheck,
    mayLeave: (piece) => piece.end <= limit && (carry === "" || piece !== waiting.at(-1)),
    leave,
  };
}

function rewrite(piece: Piece, replacements: readonly Replacement[]): string {
  const place = (at: number): number => piece.offsets?.[at - piece.start] ?? at - piece.start;
  let out = "";
  let at = 0;
  for (const { start, end, text } of replacements) {
    if (start >= piece.end || end <= piece.start) continue;
    out += piece.raw.slice(at, place(Math.max(start, piece.start)));
    if (start >= piece.start) out += text;
    at = place(Math.min(end, piece.end));
  }
  return out + piece.raw.slice(at);
}
