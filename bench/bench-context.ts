// Bench: what every row works with: the helper processes, how long a round is, and the two subjects that most
// rows compare.

import type { Children, Helper, Receiver } from "./child-processes.ts";
import type { Gateway, GatewayOptions } from "./gateway-under-test.ts";
import { startGateway } from "./gateway-under-test.ts";
import type { LoadOptions, LoadResult } from "./load-client.ts";
import { runLoad } from "./load-client.ts";

/** One line of the result. */
export interface Figure {
  readonly figure: string;
  readonly value: string;
  readonly floor?: string;
  readonly aim?: string;
  readonly peer?: string;
}

export interface Bench {
  readonly children: Children;
  readonly provider: Helper;
  readonly passThrough: Helper;
  readonly receiver: Receiver;
  readonly rounds: number;
  readonly roundMs: number;
  /** The number given after the row's name, where it takes one. */
  readonly amount: number | undefined;
  /** A gateway that exports to the receiver. */
  readonly startGateway: (options?: Partial<GatewayOptions>) => Promise<Gateway>;
  /** A remark on the way, printed and kept. */
  readonly note: (text: string) => void;
}

export interface Row {
  readonly name: string;
  readonly about: string;
  /** Whether `bun run bench` without a name runs it. */
  readonly byDefault: boolean;
  readonly run: (bench: Bench) => Promise<Figure[]>;
}

/** Spans of one call without guardrails: root, auth, pre_call, chat, one attempt. */
export const spansPerCall = 5;

export function gatewayStarter(
  children: Children,
  provider: Helper,
  receiver: Receiver,
): Bench["startGateway"] {
  return (options = {}) =>
    startGateway(children, {
      providerPort: provider.port,
      receiverPort: receiver.port,
      ...options,
    });
}

export interface TracedLoad extends LoadResult {
  /** How long after the last reply the receiver had every span. */
  readonly exportLagMs: number;
  /** Spans that the receiver never got. */
  readonly missingSpans: number;
}

/**
 * A load on the gateway, and then the wait until the receiver has every span of it: what it still has to
 * export must not slow down whoever is measured next.
 */
export async function tracedLoad(
  bench: Bench,
  gateway: Gateway,
  options: Omit<LoadOptions, "port">,
): Promise<TracedLoad> {
  const before = await bench.receiver.count();
  const result = await runLoad({ ...options, port: gateway.port });
  const endedAtMs = performance.now();
  const refused = Object.entries(result.statuses)
    .filter(([status]) => status !== "200")
    .reduce((sum, [, count]) => sum + count, 0);
  const expected = before.spans + (result.calls - refused) * spansPerCall;
  const spans = await waitForSpans(bench, expected);
  return {
    ...result,
    exportLagMs: performance.now() - endedAtMs,
    missingSpans: Math.max(0, expected - spans),
  };
}

/** Waits for that many spans in all, and gives up when none has come for 5 s; says how many there are. */
export async function waitForSpans(bench: Bench, expected: number): Promise<number> {
  let { spans } = await bench.receiver.count();
  let movedAtMs = performance.now();
  while (spans < expected && performance.now() - movedAtMs < 5000) {
    await Bun.sleep(20);
    const now = await bench.receiver.count();
    if (now.spans > spans) movedAtMs = performance.now();
    ({ spans } = now);
  }
  return spans;
}

/** The same load on the pass-through. */
export function plainLoad(bench: Bench, options: Omit<LoadOptions, "port">): Promise<LoadResult> {
  return runLoad({ ...options, port: bench.passThrough.port });
}

/** Throws when a load did not go as planned: a figure of failed calls says nothing. */
export function assertWhole(name: string, result: LoadResult): void {
  if (result.failed > 0) {
    throw new Error(
      `${name}: ${result.failed} of ${result.calls} calls failed: ${JSON.stringify(result.statuses)}`,
    );
  }
}
