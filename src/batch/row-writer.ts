// The output, main thread: rows in the order of the input, whenever they end. What is far ahead of the first row
// that is missing is let go of and read from the ledger again, so that memory stays flat.

import { createTransientMap } from "../collections/transient-map.ts";

export interface RowWriter {
  /** The row's line is known; `reread` gives it again. Rows come with ascending places, once each. */
  readonly put: (place: number, line: string, reread: (() => string) | undefined) => void;
  /** Resolves when all that can be written is; to be waited for by whoever puts more. */
  readonly drained: () => Promise<void>;
  readonly written: () => number;
  /** Writes what is there and closes; rows behind a gap are left out. */
  readonly end: () => Promise<void>;
}

/** Takes text; the promise is what slows the run down to the disk's pace. */
export interface LineSink {
  readonly write: (text: string) => Promise<void>;
  readonly end: () => Promise<void>;
}

export interface RowWriterOptions {
  readonly withinMs?: number;
  /** Hears of a failure that nobody waited for; the sink says it again to whoever does. */
  readonly onBroken?: (error: unknown) => void;
}

/** Characters of lines kept in memory while they wait for an earlier row. */
const keptCharsMax = 32 * 1024 * 1024;
const writeChars = 64 * 1024;
/** After this even a single line is written: a run may be slow, and somebody may be looking. */
const writeWithinMs = 1000;

interface Line {
  readonly line: string | undefined;
  readonly reread: (() => string) | undefined;
}

/** `place`: 0 for the first row that is written, with no gap. */
export function createRowWriter(
  sink: LineSink,
  header: string,
  { withinMs = writeWithinMs, onBroken = () => undefined }: RowWriterOptions = {},
): RowWriter {
  const waiting = createTransientMap<number, Line>();
  let next = 0;
  let keptChars = 0;
  let text = header;
  let flushing: Promise<void> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function gather(): void {
    for (;;) {
      const entry = waiting.get(next);
      if (entry === undefined) return;
      waiting.delete(next);
      keptChars -= entry.line?.length ?? 0;
      text += entry.line ?? entry.reread?.() ?? "";
      next += 1;
      flushSoon();
    }
  }

  async function flush(): Promise<void> {
    while (text.length > 0) {
      const now = text;
      text = "";
      await sink.write(now);
    }
  }

  function startFlush(): Promise<void> {
    flushing ??= flush().finally(() => {
      flushing = undefined;
    });
    return flushing;
  }

  function flushSoon(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      startFlush().catch(onBroken);
    }, withinMs);
  }

  if (header !== "") flushSoon();
  return {
    put(place, line, reread) {
      const isKept = reread === undefined || place === next || keptChars < keptCharsMax;
      waiting.set(place, { line: isKept ? line : undefined, reread });
      if (isKept) keptChars += line.length;
      if (place === next) gather();
    },
    async drained() {
      if (text.length >= writeChars) await startFlush();
    },
    written: () => next,
    async end() {
      clearTimeout(timer);
      await startFlush();
      await flush();
      await sink.end();
    },
  };
}
