// Where a stream of bytes is no UTF-8, main thread: decoding would put U+FFFD there and tell nobody. Looks at whole
// chunks, and closer only at those that are bad. A character that is cut between two chunks is whole.

import { isUtf8 } from "node:buffer";

export interface Utf8Watch {
  readonly see: (chunk: Uint8Array) => void;
  readonly end: () => void;
  /**
   * Whether a line is bad that begins before `end`, a count of bytes from the stream's start, and that was not asked
   * about before. To be asked with ascending ends.
   */
  readonly isBadBefore: (end: number) => boolean;
}

const newline = 10;

export function createUtf8Watch(): Utf8Watch {
  let badStarts: number[] = [];
  /** Of `badStarts`, those that were asked about. */
  let asked = 0;
  /** Where `cut` begins. */
  let at = 0;
  let cut: Uint8Array = new Uint8Array();

  const look = (bytes: Uint8Array): void => {
    if (!isUtf8(bytes)) for (const start of badLines(bytes)) badStarts.push(at + start);
    at += bytes.length;
  };

  return {
    see(chunk) {
      const bytes = cut.length === 0 ? chunk : Buffer.concat([cut, chunk]);
      const wholeBytes = bytes.length - cutBytes(bytes);
      cut = bytes.slice(wholeBytes);
      look(bytes.subarray(0, wholeBytes));
    },
    end() {
      look(cut);
      cut = new Uint8Array();
    },
    isBadBefore(end) {
      const before = asked;
      while ((badStarts[asked] ?? Infinity) < end) asked += 1;
      const isBad = asked > before;
      if (asked === badStarts.length) {
        badStarts = [];
        asked = 0;
      }
      return isBad;
    },
  };
}

function badLines(bytes: Uint8Array): number[] {
  const starts: number[] = [];
  for (let from = 0; from < bytes.length;) {
    const found = bytes.indexOf(newline, from);
    const end = found < 0 ? bytes.length : found;
    if (!isUtf8(bytes.subarray(from, end))) starts.push(from);
    from = end + 1;
  }
  return starts;
}

/** Bytes at the end that may be the beginning of a character. */
function cutBytes(bytes: Uint8Array): number {
  for (let count = 1; count <= Math.min(3, bytes.length); count++) {
    const byte = bytes[bytes.length - count] ?? 0;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const wholeBytes = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf8 ? 4 : 0;
    return wholeBytes > count ? count : 0;
  }
  return 0;
}
