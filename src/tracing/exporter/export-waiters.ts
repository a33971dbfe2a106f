// Under `reply_waits_for: export`: which committed calls every destination is done with. Exporter thread.

export interface ExportWaiters {
  /** These calls, joined by a space, are committed up to `throughSeq`. */
  add(calls: string, throughSeq: number): void;
  /** Every destination is done up to `doneThrough`: tells of the calls that this completes. */
  done(doneThrough: number): void;
}

export interface ExportWaitersOptions {
  /** Nobody waits longer than this; what is older is forgotten. */
  readonly waitMs: number;
  readonly nowMs: () => number;
  readonly onExported: (calls: string) => void;
}

export function createExportWaiters(options: ExportWaitersOptions): ExportWaiters {
  const waiting: { readonly calls: string; readonly throughSeq: number; readonly atMs: number }[] =
    [];
  return {
    add(calls, throughSeq) {
      const atMs = options.nowMs();
      waiting.push({ calls, throughSeq, atMs });
      const forgotten = waiting.findIndex((entry) => atMs - entry.atMs <= options.waitMs);
      if (forgotten > 0) waiting.splice(0, forgotten);
    },
    done(doneThrough) {
      const count = waiting.findIndex((entry) => entry.throughSeq > doneThrough);
      const complete = waiting.splice(0, count === -1 ? waiting.length : count);
      if (complete.length > 0) options.onExported(complete.map(({ calls }) => calls).join(" "));
    },
  };
}
