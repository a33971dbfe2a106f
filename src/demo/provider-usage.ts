// Demo, tests and bench: the ids and token counts of the scripted provider's calls. Pure: whoever knows a
// response id can tell what usage its trace must show, so that one call's figures on another are seen.

/** Token counts; `inputTokens` is the total, cached and cache-write tokens included. */
export interface CallUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
}

/** The usage of the provider's nth call: no two calls under 100,000 have the same input count. */
export function usageOfCall(call: number): CallUsage {
  return {
    inputTokens: 100 + call,
    outputTokens: 20 + (call % 97),
    cachedTokens: call % 50,
    cacheWriteTokens: call % 31,
    reasoningTokens: call % 13,
  };
}

/** The response id of the provider's nth call, under the API's own prefix. */
export function responseId(prefix: "chatcmpl" | "msg" | "resp", call: number): string {
  return `${prefix}_${String(call).padStart(8, "0")}`.replace("chatcmpl_", "chatcmpl-");
}

/** The n of a response id made by {@link responseId}; undefined for any other text. */
export function callOfResponseId(id: string): number | undefined {
  const digits = /^(?:chatcmpl-|msg_|resp_)(\d{8,})$/.exec(id)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
