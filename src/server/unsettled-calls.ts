// Calls that have been handed to the exporter and are not yet acknowledged: their messages, so that they can
// be sent again, and the replies that wait for them. Bounded: beyond it a call's trace is given up, counted.

import { createTransientMap } from "../collections/transient-map.ts";
import { charsOf, spansOf } from "../protocol/command-size.ts";
import type { AcknowledgedCommand } from "../protocol/exporter-message.ts";
import type { Clock } from "../tracing/recorder/clock.ts";

/** How a call's commit ended, as far as its reply is concerned. */
export type CommitOutcome = "committed" | "failed" | "late";

/** What replies wait for, and how long. */
export interface ReplyWait {
  readonly waitsFor: "commit" | "export" | "nothing";
  readonly commitTimeoutMs: number;
  readonly exportWaitMs: number;
}

export interface UnsettledCalls {
  /** Takes a call in, or says undefined when there is no room; a `late` reply's call stays in. */
  readonly add: (command: AcknowledgedCommand) => Promise<CommitOutcome> | undefined;
  readonly committed: (calls: readonly string[]) => void;
  readonly failed: (calls: readonly string[]) => void;
  readonly exported: (calls: readonly string[]) => void;
  /** Lets go the replies that have waited long enough. */
  readonly releaseLate: () => void;
  /** Lets all of them go: nobody will answer any more. */
  readonly releaseAll: () => void;
  /** What a new exporter thread has to be sent again, in order. */
  readonly commands: () => AcknowledgedCommand[];
  /** When the oldest one that still waits was added; undefined when none does. */
  readonly oldestMs: () => number | undefined;
  readonly count: () => number;
  /** How many replies may still have to be let go: of calls, and of those whose export is waited for. */
  readonly waiting: () => number;
  readonly spans: () => number;
  readonly handedOverSpans: () => number;
}

/** Memory that traces may hold while the ledger does not take them. */
const waitingCharsMax = 256 * 1024 * 1024;

interface Waiting {
  readonly command: AcknowledgedCommand;
  readonly sinceMs: number;
  release: ((outcome: CommitOutcome) => void) | undefined;
}

interface Exporting {
  readonly sinceMs: number;
  readonly release: () => void;
}

export function createUnsettledCalls(wait: ReplyWait, clock: Clock): UnsettledCalls {
  const calls = createTransientMap<string, Waiting>();
  const exporting = createTransientMap<string, Exporting>();
  let chars = 0;
  let spans = 0;
  let handedOverSpans = 0;

  function take(call: string): Waiting | undefined {
    const waiting = calls.get(call);
    if (waiting === undefined) return undefined;
    calls.delete(call);
    chars -= charsOf(waiting.command);
    spans -= spansOf(waiting.command);
    return waiting;
  }

  function settleCommitted({ command, release }: Waiting): void {
    if (release === undefined) return;
    const isExported = "sampled" in command && command.sampled;
    if (wait.waitsFor !== "export" || !isExported) {
      release("committed");
      return;
    }
    exporting.set(command.call, { sinceMs: clock(), release: () => release("committed") });
  }

  return {
    add(command) {
      handedOverSpans += spansOf(command);
      if (chars + charsOf(command) > waitingCharsMax) return undefined;
      chars += charsOf(command);
      spans += spansOf(command);
      return new Promise((release) => {
        calls.set(command.call, { command, sinceMs: clock(), release });
      });
    },
    committed(ids) {
      for (const id of ids) {
        const waiting = take(id);
        if (waiting !== undefined) settleCommitted(waiting);
      }
    },
    failed(ids) {
      for (const id of ids) take(id)?.release?.("failed");
    },
    exported(ids) {
      for (const id of ids) {
        exporting.get(id)?.release();
        exporting.delete(id);
      }
    },
    releaseLate() {
      // Both maps are in order of arrival, so each walk ends at the first call that still has time.
      const nowMs = clock();
      for (const waiting of calls.values()) {
        if (waiting.sinceMs > nowMs - wait.commitTimeoutMs) break;
        waiting.release?.("late");
        waiting.release = undefined;
      }
      for (const [id, waiting] of exporting.entries()) {
        if (waiting.sinceMs > nowMs - wait.exportWaitMs) break;
        waiting.release();
        exporting.delete(id);
      }
    },
    releaseAll() {
      for (const waiting of calls.values()) waiting.release?.("failed");
      for (const { release } of exporting.values()) release();
      exporting.clear();
    },
    commands: () => Array.from(calls.values(), ({ command }) => command),
    oldestMs: () => calls.values().next().value?.sinceMs,
    count: calls.size,
    waiting: () => calls.size() + exporting.size(),
    spans: () => spans,
    handedOverSpans: () => handedOverSpans,
  };
}
