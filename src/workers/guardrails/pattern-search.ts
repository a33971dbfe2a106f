// Finds a regular expression in a text of any length, in bounded pieces with a breath between them: a
// slow pattern on a long text takes turns with the other calls of its thread, and ends with its signal.
// Worker threads. Patterns that backtrack without bound are refused when the configuration is read.

export interface SearchedPattern {
  readonly name: string;
  /** With the flag `g`. */
  readonly regex: RegExp;
  /** A second look at what was found, a check sum: how many of its chars it holds for, 0 for none. */
  readonly accepts?: (match: string) => number;
}

export interface Found {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export interface SearchPace {
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  /** Lets the thread's other work run. */
  readonly breathe: () => Promise<void>;
}

/**
 * So much is searched at once (config/regex-safety.ts reckons with it); a match of up to the overlap is
 * found wherever it lies.
 */
const pieceChars = 2048;
const overlapChars = 1024;
/** A match that reaches the end of its piece is looked at again in a piece of this size. */
const longMatchChars = 65536;
const breatheAfterMs = 8;

/** Undefined: it is not time yet. Rejects with the signal's reason once it is aborted. */
export type TakeTurns = () => Promise<void> | undefined;

/** For all texts of a check: many short ones take as long as a long one. */
export function createTurns(pace: SearchPace): TakeTurns {
  let sinceMs = pace.nowMs();
  async function rest(): Promise<void> {
    await pace.breathe();
    pace.signal.throwIfAborted();
    sinceMs = pace.nowMs();
  }
  return () => (pace.nowMs() - sinceMs < breatheAfterMs ? undefined : rest());
}

/**
 * The matches of all patterns by place; of two that overlap the earlier, then the longer.
 *
 * @throws the signal's reason once it is aborted
 */
export async function searchPatterns(
  text: string,
  patterns: readonly SearchedPattern[],
  takeTurns: TakeTurns,
): Promise<Found[]> {
  const found: Found[] = [];
  for (const pattern of patterns) {
    for (let from = 0; ; from += pieceChars - overlapChars) {
      searchPiece(text, from, pattern, found);
      const turn = takeTurns();
      if (turn !== undefined) await turn;
      if (from + pieceChars >= text.length) break;
    }
  }
  return withoutOverlaps(found);
}

function searchPiece(text: string, from: number, pattern: SearchedPattern, found: Found[]): void {
  const piece = text.length <= pieceChars ? text : text.slice(from, from + pieceChars);
  const { regex } = pattern;
  regex.lastIndex = 0;
  for (let match = regex.exec(piece); match !== null; match = regex.exec(piece)) {
    let [value] = match;
    if (value === "") {
      regex.lastIndex++;
      continue;
    }
    const start = from + match.index;
    if (match.index + value.length === piece.length && from + piece.length < text.length) {
      value = longer(text, start, pattern.regex) ?? value;
    }
    const length = pattern.accepts?.(value) ?? value.length;
    if (length > 0) found.push({ name: pattern.name, start, end: start + length });
  }
}

function longer(text: string, start: number, regex: RegExp): string | undefined {
  const sticky = new RegExp(regex, `${regex.flags.replace("g", "")}y`);
  return sticky.exec(text.slice(start, start + longMatchChars))?.[0];
}

function withoutOverlaps(found: Found[]): Found[] {
  found.sort((left, right) => left.start - right.start || right.end - left.end);
  const kept: Found[] = [];
  for (const next of found) {
    const last = kept.at(-1);
    if (last === undefined || next.start >= last.end) kept.push(next);
    // A part of it sticks out: what one mask covers only in part would be left in part.
    else if (next.end > last.end) kept[kept.length - 1] = { ...last, end: next.end };
  }
  return kept;
}
