// The server thread's calls in flight: their number, each provider's share, and those that have been open
// long enough to be journaled. Bounds are kept here: over one of them a call is refused at once.

import { createTransientMap } from "../collections/transient-map.ts";
import type { ProviderConfig } from "../config/schema.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { ExporterCommand } from "../protocol/exporter-message.ts";
import type { Clock } from "../tracing/recorder/clock.ts";
import { journalOf } from "./server-call.ts";
import type { ServerCall } from "./server-call.ts";

export interface OpenCalls {
  /** @throws GatewayError `overloaded` when the provider already has as many calls as it may */
  readonly admit: (call: ServerCall, provider: string) => void;
  readonly release: (call: ServerCall, provider: string) => void;
  readonly count: () => number;
  readonly ids: () => Iterable<string>;
  /** Spans begun by calls in flight, as far as this thread knows. */
  readonly spanCount: () => number;
  /** Journals calls that have been open for a while, and tells them; to be called every few milliseconds. */
  readonly journalDue: () => void;
  /** Resolves when no call is in flight. */
  readonly idle: () => Promise<void>;
  /** Tells of an error that is a bug of ours. */
  readonly bug: (error: unknown) => void;
}

/**
 * A call's worker journals it after 20 ms. This thread's own entry follows the worker's; a call whose worker
 * has said nothing by now is queued, or its worker is stuck.
 */
const journalAfterMs = 40;

export function createOpenCalls(options: {
  readonly providers: readonly ProviderConfig[];
  readonly clock: Clock;
  readonly journal: (command: Extract<ExporterCommand, { kind: "journal" }>) => void;
  /** A call has come. */
  readonly admitted: () => void;
  readonly bug: (error: unknown) => void;
}): OpenCalls {
  const calls = createTransientMap<string, ServerCall>();
  const perProvider = new Map<string, number>();
  /** Not journaled yet, oldest first; a call that ends leaves it, so that nothing of it stays in memory. */
  const due = createTransientMap<string, ServerCall>();
  let waiters: (() => void)[] = [];
  const limits = new Map(options.providers.map(({ name, concurrency }) => [name, concurrency]));

  return {
    admit(call, provider) {
      const running = perProvider.get(provider) ?? 0;
      if (running >= (limits.get(provider) ?? 0)) {
        throw new GatewayError("overloaded", `provider ${provider} has ${running} calls in flight`);
      }
      perProvider.set(provider, running + 1);
      calls.set(call.id, call);
      due.set(call.id, call);
      options.admitted();
    },
    release(call, provider) {
      if (!calls.delete(call.id)) return;
      due.delete(call.id);
      perProvider.set(provider, (perProvider.get(provider) ?? 1) - 1);
      if (calls.size() > 0) return;
      for (const wake of waiters) wake();
      waiters = [];
    },
    count: calls.size,
    ids: calls.keys,
    spanCount() {
      let count = 0;
      for (const call of calls.values()) count += call.spans.count();
      return count;
    },
    journalDue() {
      const before = options.clock() - journalAfterMs;
      for (const call of due.values()) {
        if (call.startedMs > before) break;
        due.delete(call.id);
        call.whenOld?.();
        if (!call.sealed && !call.journaled) options.journal(journalOf(call));
      }
    },
    idle() {
      if (calls.size() === 0) return Promise.resolve();
      return new Promise((resolve) => waiters.push(resolve));
    },
    bug: options.bug,
  };
}
