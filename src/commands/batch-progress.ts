// Shows how far a batch is, on stderr: a line that is written over on a terminal, a plain line every ten seconds
// elsewhere. Main thread.

import type { BatchProgress } from "../batch/run-batch.ts";
import { progressText } from "./batch-text.ts";

export interface ProgressLine {
  /** A line of its own, above the progress. */
  readonly say: (text: string) => void;
  readonly end: () => void;
}

const onTerminalMs = 200;
const elsewhereMs = 10_000;
const barCells = 20;
/** Of a terminal that does not say. */
const usualColumns = 80;

/** `terminal`: what the variable TERM says. */
export function showProgress(
  progress: () => BatchProgress,
  terminal: string | undefined,
): ProgressLine {
  const out = process.stderr;
  const isTerminal = out.isTTY && terminal !== "dumb"; // which knows no escape sequences
  const clear = (): void => {
    if (isTerminal) out.write("\r\x1b[K");
  };
  const show = (): void => {
    const now = progress();
    const text = progressText(now);
    if (!isTerminal) return void out.write(`${text}\n`);
    const share = (now.figures.ok + now.figures.failed) / Math.max(1, now.rows);
    const full = Math.floor(share * barCells);
    const bar = "█".repeat(full) + "░".repeat(barCells - full);
    out.write(
      `\r\x1b[K${`${bar} ${text}`.slice(0, Math.max(20, (out.columns || usualColumns) - 1))}`,
    );
  };
  const timer = setInterval(show, isTerminal ? onTerminalMs : elsewhereMs);
  return {
    say(text) {
      clear();
      out.write(`${text}\n`);
    },
    end() {
      clearInterval(timer);
      clear();
    },
  };
}
