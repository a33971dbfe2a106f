// A worker thread's calls in flight: where a cancel or a credit finds its call, and which calls have been
// open long enough to be journaled. One per thread, made at its entry; a call is in it from start to end.

import { createTransientMap } from "../collections/transient-map.ts";
import type { ErrorCode } from "../errors/gateway-error.ts";
import type { WorkerMessage } from "../protocol/call-task.ts";
import type { Clock } from "../tracing/recorder/clock.ts";

/** What the registry may do with a call. */
export interface OpenCall {
  readonly call: string;
  /** Ends the call early; called at most once. */
  readonly cancel: (code: ErrorCode) => void;
  readonly credit: (bytes: number) => void;
  readonly resume: () => void;
  /** The spans so far, encoded, and their number. */
  readonly snapshot: () => { readonly spans: string; readonly spanCount: number };
}

export interface CallRegistry {
  readonly open: (call: OpenCall) => void;
  readonly close: (call: string) => void;
  readonly count: () => number;
  readonly cancel: (call: string, code: ErrorCode) => void;
  readonly credit: (call: string, bytes: number) => void;
  readonly resume: (call: string) => void;
  /** To be called when a span of the call has started: a journaled call is journaled again. */
  readonly spanStarted: (call: string) => void;
  /** Journals the calls that are due; to be called every few milliseconds. */
  readonly journalDue: () => void;
}

/** A call younger than this is not worth a journal entry. */
const journalAfterMsUsual = 20;
/** Cancels that came before their call did, kept so that they are not missed. */
const earlyCancelsMax = 4096;

interface Entry {
  readonly open: OpenCall;
  readonly sinceMs: number;
  journaled: boolean;
}

export function createCallRegistry(deps: {
  readonly clock: Clock;
  readonly post: (message: WorkerMessage) => void;
  readonly journalAfterMs?: number | undefined;
}): CallRegistry {
  const { journalAfterMs = journalAfterMsUsual } = deps;
  const entries = createTransientMap<string, Entry>();
  const earlyCancels = new Map<string, ErrorCode>();
  /** Not journaled yet, oldest first; a call that ends leaves it, so that nothing of it stays in memory. */
  const due = createTransientMap<string, Entry>();

  function journal(entry: Entry): void {
    entry.journaled = true;
    deps.post({ kind: "journal", call: entry.open.call, ...entry.open.snapshot() });
  }

  return {
    open(open) {
      const entry: Entry = { open, sinceMs: deps.clock(), journaled: false };
      entries.set(open.call, entry);
      due.set(open.call, entry);
      const early = earlyCancels.get(open.call);
      if (early !== undefined) {
        earlyCancels.delete(open.call);
        open.cancel(early);
      }
    },
    close(call) {
      entries.delete(call);
      due.delete(call);
    },
    count: entries.size,
    cancel(call, code) {
      const entry = entries.get(call);
      if (entry !== undefined) {
        entry.open.cancel(code);
        return;
      }
      earlyCancels.set(call, code);
      if (earlyCancels.size > earlyCancelsMax) {
        const oldest = earlyCancels.keys().next();
        if (!oldest.done) earlyCancels.delete(oldest.value);
      }
    },
    credit: (call, bytes) => entries.get(call)?.open.credit(bytes),
    resume: (call) => entries.get(call)?.open.resume(),
    spanStarted(call) {
      const entry = entries.get(call);
      if (entry?.journaled === true) journal(entry);
    },
    journalDue() {
      const before = deps.clock() - journalAfterMs;
      for (const [call, entry] of due.entries()) {
        if (entry.sinceMs > before) break;
        due.delete(call);
        journal(entry);
      }
    },
  };
}
