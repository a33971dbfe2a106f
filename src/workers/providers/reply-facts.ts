// What everyspan reads of a provider's reply, the same for every wire format. Plain data.
// A missing field means that the provider did not say: never zero, never a guess.

export interface ReplyFacts {
  readonly id?: string;
  readonly model?: string;
  /** One per choice, in order; "error" for a choice that has none because it was cut off. */
  readonly finishReasons: readonly string[];
  readonly usage?: UsageFacts;
  readonly serviceTier?: string;
  readonly systemFingerprint?: string;
  /** Of an error body or event: its code, else its type. */
  readonly errorType?: string;
  readonly errorMessage?: string;
}

/** Tokens. Input includes those read from and written to a cache, output those of reasoning. */
export interface UsageFacts {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
}
