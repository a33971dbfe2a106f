import { expect, test } from "bun:test";
import { readOpenAIUsage } from "../../../../../src/workers/providers/openai/usage.ts";

test("usage is read under the names of chat completions and of responses", () => {
  expect(readOpenAIUsage({ prompt_tokens: 3, total_tokens: 3 })).toEqual({ inputTokens: 3 });
  expect(
    readOpenAIUsage({
      input_tokens: 9,
      output_tokens: 5,
      input_tokens_details: { cached_tokens: 4 },
      output_tokens_details: { reasoning_tokens: 2 },
    }),
  ).toEqual({ inputTokens: 9, outputTokens: 5, cacheReadTokens: 4, reasoningTokens: 2 });
});

test("a count of zero is kept, what is no count is not", () => {
  expect(readOpenAIUsage({ prompt_tokens: 0, completion_tokens: "5" })).toEqual({ inputTokens: 0 });
  for (const usage of [null, undefined, [], {}, { prompt_tokens: -1 }, { prompt_tokens: null }]) {
    expect(readOpenAIUsage(usage)).toBeUndefined();
  }
});
