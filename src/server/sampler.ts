// The sampling decision of a call, made once at its root (OTEL_TRACES_SAMPLER). It decides the flag that
// goes on to the provider and what is exported; the ledger has every call either way. Pure.

import type { TracingConfig } from "../config/schema.ts";
import { randomFlag, sampledFlag } from "../tracing/recorder/propagation.ts";
import type { SpanContext } from "../tracing/recorder/propagation.ts";

/** The trace flags of a call. A continued trace keeps its random bit; a new one has random ids. */
export type Sampler = (traceId: string, caller: SpanContext | undefined) => number;

export function createSampler({ kind, ratio }: TracingConfig["sampler"]): Sampler {
  return (traceId, caller) => {
    const random = caller === undefined ? randomFlag : caller.traceFlags & randomFlag;
    const parentDecides = kind.startsWith("parentbased_") && caller !== undefined;
    const sampled = parentDecides
      ? (caller.traceFlags & sampledFlag) !== 0
      : decide(kind.replace("parentbased_", ""), traceId, ratio);
    return random | (sampled ? sampledFlag : 0);
  };
}

function decide(kind: string, traceId: string, ratio: number): boolean {
  if (kind === "always_off") return false;
  if (kind !== "traceidratio") return true;
  // The last 7 bytes are the random part of a trace id (W3C Trace Context Level 2).
  return Number.parseInt(traceId.slice(-13), 16) / 16 ** 13 < ratio;
}
