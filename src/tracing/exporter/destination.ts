// One destination's loop, exporter thread: takes calls in commit order from its cursor and sends them, one
// request at a time, until they are accepted. It must never skip a call that is not accounted for.

import type { DestinationAccount } from "../../protocol/exporter-message.ts";
import { backOffMs, probeDelayMs } from "./back-off.ts";
import type { SendExport } from "./destination-transport.ts";
import { createInterruptibleWait } from "./interruptible-wait.ts";
import type { DestinationLedger } from "./ledger-destinations.ts";
import type { BatchCall, BatchLimits } from "./ledger-rows.ts";
import type { ExportOutcome } from "./otlp-response.ts";

type State = DestinationAccount["state"];
type Settled = Exclude<ExportOutcome, { kind: "retry" }>;

export interface DestinationOptions {
  readonly name: string;
  readonly limits: BatchLimits;
  /** How long a first call waits for company. */
  readonly delayMs: number;
  readonly send: SendExport;
  /** The request body for these calls; the same calls give the same bytes. */
  readonly build: (calls: readonly BatchCall[]) => Promise<Uint8Array>;
  /** Runs against the ledger as soon as it is up; undefined when the destination stops before that. */
  readonly onLedger: <T>(work: (ledger: DestinationLedger) => T) => Promise<T | undefined>;
  readonly onStateChange: (state: State, lastError: string) => void;
  readonly onNotice: (level: "info" | "warning" | "error", text: string) => void;
  readonly random: () => number;
}

export interface Destination {
  readonly name: string;
  /** Something was committed. */
  wake(): void;
  /** Waits no back-off out, nor for company: the process is about to stop. */
  hurry(): void;
  /** True when nothing more can be delivered now: all sent, or paused. */
  isSettled(): boolean;
  /** Ends the request in flight; its calls stay pending. */
  stop(): Promise<void>;
  state(): State;
  lastError(): string;
}

/** So many single calls refused in a row mean that the destination, not the calls, is at fault. */
const refusalsInARowMax = 10;

export function startDestination(options: DestinationOptions): Destination {
  const { name, onLedger, onNotice } = options;
  const abort = new AbortController();
  const committed = createInterruptibleWait();
  const pauseBetweenTries = createInterruptibleWait();
  let { limits } = options;
  let state: State = "active";
  let lastError = "";
  /** Until this process knows better, the ledger says of the destination what an earlier one knew. */
  let isTold = false;
  let isIdle = false;
  let isHurried = false;
  let failures = 0;
  let probes = 0;
  /** Since the start, and since it was last paused. */
  let hasAccepted = false;
  /** What the last acceptance said, if it was one in part: some say the same each time. */
  let toldPartial: string | undefined;
  /** Seqs set aside since the last acceptance: taken back if it turns out to be the destination's fault. */
  let setAsideInARow: number[] = [];

  const setState = (next: State, reason: string): void => {
    if (isTold && next === state && reason === lastError) return;
    const changed = next !== state;
    isTold = true;
    state = next;
    lastError = reason;
    options.onStateChange(next, reason);
    if (!changed) return;
    if (next === "paused") {
      onNotice("error", `destination ${name} is paused, it looks misconfigured: ${reason}`);
    } else if (next === "retrying") {
      onNotice("warning", `destination ${name} does not accept traces, trying on: ${reason}`);
    } else {
      onNotice("info", `destination ${name} accepts traces again`);
    }
  };

  /** Sends until there is an answer; undefined when stopped, or when the calls expired meanwhile. */
  const attempt = async (
    calls: readonly BatchCall[],
    isMoot = (ledger: DestinationLedger) => ledger.cursor() >= (calls[0]?.seq ?? 0),
  ): Promise<Settled | undefined> => {
    let body: Uint8Array;
    try {
      body = await options.build(calls);
    } catch (error) {
      return { kind: "refused", status: 0, reason: `cannot be encoded: ${String(error)}` };
    }
    while (!abort.signal.aborted) {
      const outcome = await options.send(body, abort.signal);
      if (outcome.kind !== "retry") {
        failures = 0;
        return outcome;
      }
      if (abort.signal.aborted) return undefined;
      // A connection that was kept and has died meanwhile is no news: the second try tells.
      if (outcome.isAnswered || failures > 0) setState("retrying", outcome.reason);
      pauseBetweenTries.reset();
      await pauseBetweenTries.wait(backOffMs(failures, outcome.retryAfterMs, options.random));
      failures += 1;
      if (await onLedger(isMoot)) return undefined;
    }
    return undefined;
  };

  const pause = async (reason: string): Promise<void> => {
    setState("paused", reason);
    hasAccepted = false;
    pauseBetweenTries.reset();
    await pauseBetweenTries.wait(probeDelayMs(probes, options.random));
    probes += 1;
  };

  const accepted = async (
    calls: readonly BatchCall[],
    refusedBefore: readonly RefusedCall[],
    outcome: Extract<Settled, { kind: "accepted" }>,
  ): Promise<void> => {
    for (const { call, reason } of refusedBefore) {
      // It may have been the destination, which takes calls only since then.
      const again = await attempt([call], () => false);
      if (again?.kind !== "accepted") await setAside(call, reason);
      else await onLedger((ledger) => ledger.advance([call], again.rejectedSpans));
    }
    setAsideInARow = [];
    hasAccepted = true;
    probes = 0;
    const isPartial = outcome.rejectedSpans > 0 || outcome.message !== "";
    if (isPartial && outcome.message !== toldPartial) {
      const text = `${outcome.rejectedSpans} spans rejected: ${outcome.message}`;
      onNotice("warning", `destination ${name} accepted in part, ${text}`);
    }
    toldPartial = isPartial ? outcome.message : undefined;
    await onLedger((ledger) => ledger.advance(calls, outcome.rejectedSpans));
    setState("active", "");
  };

  const setAside = async (call: BatchCall, reason: string): Promise<void> => {
    setAsideInARow.push(call.seq);
    onNotice("error", `destination ${name} refused call ${call.call}, set aside: ${reason}`);
    await onLedger((ledger) => ledger.setAside(call, reason));
  };

  const takeBackAndPause = async (reason: string): Promise<void> => {
    const seqs = setAsideInARow;
    setAsideInARow = [];
    await onLedger((ledger) => ledger.restore(seqs));
    await pause(reason);
  };

  /**
   * Delivers a batch, halving what is refused. A single refused call is set aside only while this
   * destination is known to accept something; until then it is remembered, the calls behind it tell
   * whether it was the call, and it is asked about once more.
   */
  const deliver = async (batch: BatchCall[]): Promise<void> => {
    const parts = [batch];
    let refused: RefusedCall[] = [];
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      const outcome = await attempt(part);
      if (outcome === undefined) return;
      if (outcome.kind === "misconfigured") return takeBackAndPause(outcome.reason);
      if (outcome.kind === "accepted") {
        await accepted(part, refused, outcome);
        refused = [];
        continue;
      }
      const [call] = part;
      if (part.length > 1) {
        const half = part.length >> 1;
        parts.unshift(part.slice(0, half), part.slice(half));
        if (outcome.status === 413) limits = halved(limits, part);
        continue;
      }
      if (call === undefined) continue;
      const { reason } = outcome;
      const inARow = setAsideInARow.length + refused.length + 1;
      if (inARow >= refusalsInARowMax) return takeBackAndPause(reason);
      if (hasAccepted) {
        await setAside(call, reason);
        continue;
      }
      refused.push({ call, reason });
      if (parts.length > 0) continue;
      const next = await onLedger((ledger) => ledger.nextBatch({ ...limits, calls: 1 }, call.seq));
      if (next === undefined || next.length === 0) return pause(reason);
      parts.push(next);
    }
  };

  /** Sends what was set aside once more, as somebody asked for it. What is refused again stays. */
  const retrySetAside = async (): Promise<void> => {
    let afterSeq = 0;
    for (;;) {
      const call = await onLedger((ledger) => ledger.nextSetAside(afterSeq));
      if (call === undefined) return;
      afterSeq = call.seq;
      const outcome = await attempt([call], () => false);
      if (outcome === undefined || outcome.kind === "misconfigured") return;
      if (outcome.kind === "refused") {
        onNotice(
          "warning",
          `destination ${name} refused call ${call.call} again: ${outcome.reason}`,
        );
        continue;
      }
      hasAccepted = true;
      await onLedger((ledger) => ledger.acceptSetAside(call));
      setState("active", "");
    }
  };

  const company = (): Promise<void> | undefined =>
    options.delayMs > 0 && !isHurried ? Bun.sleep(options.delayMs) : undefined;

  const run = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      committed.reset();
      if (await onLedger((ledger) => ledger.takeRetryRequest())) await retrySetAside();
      const calls = state === "paused" ? 1 : limits.calls;
      const batch = await onLedger((ledger) =>
        ledger.pendingSpans() === 0 ? [] : ledger.nextBatch({ ...limits, calls }),
      );
      if (batch !== undefined && batch.length > 0) {
        // What is committed meanwhile waits for company as a first call does, unless there is a backlog.
        const together = batch.length < calls ? company() : undefined;
        await deliver(batch);
        await together;
        continue;
      }
      if (abort.signal.aborted) break;
      if (!isTold) setState("active", "");
      isIdle = true;
      await committed.wait(Infinity);
      isIdle = false;
      await company();
    }
  };

  const runForEver = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      try {
        await run();
      } catch (error) {
        // A bug of ours must not end the export for good: say so, and take it up at the cursor again.
        onNotice("error", `destination ${name}: ${String(error)}`);
        await pauseBetweenTries.wait(1000);
      }
    }
  };

  const running = runForEver();
  return {
    name,
    wake() {
      isIdle = false; // said at once: a stop that follows on a commit must not take this for settled
      committed.cut();
    },
    hurry() {
      isHurried = true;
      pauseBetweenTries.cut();
    },
    isSettled: () => isIdle || state === "paused",
    async stop() {
      abort.abort();
      committed.cut();
      pauseBetweenTries.cut();
      await running;
    },
    state: () => state,
    lastError: () => lastError,
  };
}

interface RefusedCall {
  readonly call: BatchCall;
  readonly reason: string;
}

/** After "too large": half of what was refused, down to 64 KiB; a single larger call still goes alone. */
function halved(limits: BatchLimits, refused: readonly BatchCall[]): BatchLimits {
  const sizeBytes = refused.reduce((sum, call) => sum + call.spans.length, 0);
  return { ...limits, sizeBytes: Math.max(65_536, Math.min(limits.sizeBytes, sizeBytes) / 2) };
}
