// JSON text that itself travels inside a JSON string (a tool call's arguments, piece by piece): read with
// its escapes undone, so that "Z\u00fcrich" is looked at as what it says, and written back so that only
// what a mask names changes. Pure, runs on any thread.

/** A piece of JSON text with its escapes undone. */
export interface DecodedJson {
  readonly text: string;
  /** Where each char of `text` begins in the raw piece, one more for its end; undefined: the same places. */
  readonly offsets: readonly number[] | undefined;
}

/** Undoes the escapes of a piece that ends outside one. What is no valid escape stands for itself. */
export function decodeEscapes(raw: string): DecodedJson {
  if (!raw.includes("\\")) return { text: raw, offsets: undefined };
  let text = "";
  const offsets: number[] = [];
  let at = 0;
  while (at < raw.length) {
    offsets.push(at);
    if (raw.charCodeAt(at) !== 92) {
      text += raw.charAt(at++);
      continue;
    }
    const code = raw.charAt(at + 1);
    const plain = simpleEscapes.get(code);
    const hex = code === "u" ? /^[0-9a-fA-F]{4}/.exec(raw.slice(at + 2, at + 6))?.[0] : undefined;
    if (hex !== undefined) {
      text += String.fromCharCode(Number.parseInt(hex, 16));
      at += 6;
    } else if (plain !== undefined) {
      text += plain;
      at += 2;
    } else text += raw.charAt(at++);
  }
  offsets.push(raw.length);
  return { text, offsets };
}

/** How many chars at the end of `raw` may be the beginning of an escape whose rest is still to come. */
export function unfinishedEscape(raw: string): number {
  const from = Math.max(0, raw.length - 5);
  for (let at = from; at < raw.length; at++) {
    if (raw.charCodeAt(at) !== 92 || isEscaped(raw, at)) continue;
    const tail = raw.slice(at);
    if (tail === "\\" || /^\\u[0-9a-fA-F]{0,3}$/.test(tail)) return tail.length;
  }
  return 0;
}

const simpleEscapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

function isEscaped(raw: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && raw.charCodeAt(before) === 92) before -= 1;
  return ((at - before) & 1) === 0;
}
