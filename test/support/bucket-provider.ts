// Tests and bench: a provider with a rate limit, a bucket of tokens that refills; what finds it empty gets a 429.

import { startScriptedProvider, type ScriptedProvider } from "../../src/demo/scripted-provider.ts";

export interface BucketProvider extends ScriptedProvider {
  readonly refused: () => number;
  /** Accepted calls a second, from the first to the last, without what was in the bucket at first. */
  readonly rate: () => number;
}

export function startBucketProvider(options: {
  readonly perSecond: number;
  readonly burst: number;
  readonly delayMs: number;
  readonly retryAfterSeconds?: number;
  readonly text?: string;
}): BucketProvider {
  const { perSecond, burst, delayMs, text = "yes" } = options;
  let tokens = burst;
  let filledMs = performance.now();
  let refused = 0;
  let accepted = 0;
  let firstMs = 0;
  let lastMs = 0;
  const provider = startScriptedProvider({
    record: false,
    script: () => {
      const nowMs = performance.now();
      tokens = Math.min(burst, tokens + ((nowMs - filledMs) / 1000) * perSecond);
      filledMs = nowMs;
      if (tokens < 1) {
        refused += 1;
        const after = options.retryAfterSeconds;
        return { status: 429, headers: after === undefined ? {} : { "retry-after": `${after}` } };
      }
      tokens -= 1;
      accepted += 1;
      if (firstMs === 0) firstMs = nowMs;
      lastMs = nowMs;
      return { text, delayMs };
    },
  });
  return {
    ...provider,
    refused: () => refused,
    rate: () => ((accepted - burst) / (lastMs - firstMs)) * 1000,
  };
}
