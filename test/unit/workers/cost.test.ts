import { afterEach, describe, expect, setSystemTime, test } from "bun:test";
import { calcPrice, findProvider } from "@pydantic/genai-prices";
import { createPricer } from "../../../src/workers/cost.ts";
import { createRandom } from "../apischema/random-json.ts";

const million = 1_000_000;

afterEach(() => {
  setSystemTime();
});

describe("the price of a call", () => {
  const price = createPricer([]);

  test("counts cached tokens at their own price and reasoning as output", () => {
    const usage = {
      inputTokens: 1000,
      outputTokens: 100,
      cacheReadTokens: 400,
      reasoningTokens: 90,
    };
    const found = price({ provider: "openai", model: "gpt-4o-mini", usage });
    expect(found?.input).toBeCloseTo((600 * 0.15 + 400 * 0.075) / million, 12);
    expect(found?.output).toBeCloseTo((100 * 0.6) / million, 12);
    expect(found?.total).toBeCloseTo((600 * 0.15 + 400 * 0.075 + 100 * 0.6) / million, 12);
  });

  test("counts what was written to a cache at its own price", () => {
    const usage = {
      inputTokens: 1000,
      outputTokens: 0,
      cacheReadTokens: 100,
      cacheWriteTokens: 200,
    };
    const found = price({ provider: "anthropic", model: "claude-haiku-4-5-20251001", usage });
    expect(found?.total).toBeCloseTo((700 * 1 + 100 * 0.1 + 200 * 1.25) / million, 12);
  });

  test("is unknown, never zero, for what the list does not know", () => {
    const usage = { inputTokens: 10, outputTokens: 10 };
    expect(price({ provider: "openai", model: "no-such-model", usage })).toBeUndefined();
    expect(price({ provider: "openai", model: "claude-haiku-4-5", usage })).toBeUndefined();
    expect(price({ provider: "openai", model: "gpt-4o", usage: undefined })).toBeUndefined();
    expect(
      price({ provider: "openai", model: "gpt-4o", usage: { outputTokens: 5 } }),
    ).toBeUndefined();
    expect(price({ provider: "openai", model: "whisper-1", usage })).toBeUndefined();
    expect(price({ provider: "openai", model: "text-embedding-3-small", usage })).toBeUndefined();
    expect(
      price({ provider: "openai", model: "text-embedding-3-small", usage: { inputTokens: 1000 } })
        ?.total,
    ).toBeCloseTo(0.02 / 1000, 12);
  });

  test("takes cached tokens for input where a server left them out", () => {
    const usage = { inputTokens: 5, outputTokens: 1, cacheReadTokens: 100 };
    const found = price({ provider: "anthropic", model: "claude-haiku-4-5", usage });
    expect(found?.input).toBeCloseTo((100 * 0.1) / million, 12);
  });

  test("is the list's own for every model it has, tiers and dates included", () => {
    const random = createRandom(5);
    let compared = 0;
    for (const provider of ["openai", "anthropic"] as const) {
      for (const { id: model } of findProvider({ providerId: provider })?.models ?? []) {
        for (const size of [10, 5000, 250_000, 600_000]) {
          const input = random.below(size) + 1;
          const read = random.below(input);
          const write = random.below(input - read);
          const output = random.below(1000);
          const tokens = { input_tokens: input, output_tokens: output };
          const cached = { cache_read_tokens: read, cache_write_tokens: write };
          const listed = calcPrice({ ...tokens, ...cached }, model, { providerId: provider });
          const usage = {
            inputTokens: input,
            outputTokens: output,
            cacheReadTokens: read,
            cacheWriteTokens: write,
          };
          const found = price({ provider, model, usage });
          if (found === undefined || listed === null) continue;
          compared += 1;
          expect(found.total).toBeCloseTo(listed.total_price, 9);
          expect(found.input + found.output).toBeCloseTo(found.total, 12);
        }
      }
    }
    expect(compared).toBeGreaterThan(300);
  });

  test("follows a price that changes on a date", () => {
    const dated = createPricer([]);
    const priceOn = (day: string) => {
      setSystemTime(new Date(day));
      return dated({ provider: "openai", model: "o3", usage: { inputTokens: million } })?.total;
    };
    expect([priceOn("2025-06-01"), priceOn("2025-07-01")]).toEqual([10, 2]);
  });

  test("stays right when callers send more names than are remembered", () => {
    const usage = { inputTokens: million };
    for (let at = 0; at < 2500; at += 1) {
      expect(price({ provider: "openai", model: `made-up-${at}`, usage })).toBeUndefined();
    }
    expect(price({ provider: "openai", model: "gpt-4o-mini", usage })?.total).toBeCloseTo(0.15, 9);
  });
});

describe("a price of the user's own", () => {
  const unset = { cachedInput: undefined, cacheWrite: undefined };
  const usage = { inputTokens: 1000, outputTokens: 10, cacheReadTokens: 100, cacheWriteTokens: 50 };

  test("comes before the list's", () => {
    const own = { model: "gpt-4o", input: 10, output: 20, cachedInput: 1, cacheWrite: 12 };
    const found = createPricer([own])({ provider: "openai", model: "gpt-4o", usage });
    expect(found?.total).toBeCloseTo((850 * 10 + 100 * 1 + 50 * 12 + 10 * 20) / million, 12);
  });

  test("prices cached tokens as input when it says nothing of them", () => {
    const price = createPricer([{ model: "own", input: 10, output: 20, ...unset }]);
    const found = price({ provider: "anthropic", model: "own", usage });
    expect(found?.total).toBeCloseTo((1000 * 10 + 10 * 20) / million, 12);
  });

  test("may be zero when it says so, and is unknown where it says nothing", () => {
    const price = createPricer([
      { model: "free", input: 0, output: 0, ...unset },
      { model: "half", input: 1, output: undefined, ...unset },
    ]);
    expect(price({ provider: "openai", model: "free", usage })?.total).toBe(0);
    expect(price({ provider: "openai", model: "half", usage })).toBeUndefined();
    expect(
      price({ provider: "openai", model: "half", usage: { inputTokens: million } })?.total,
    ).toBe(1);
  });

  test("keeps the list's price for what it leaves out", () => {
    const price = createPricer([
      { model: "gpt-4o-mini", input: undefined, output: 20, ...unset },
      { model: "text-embedding-3-small", input: 3, output: undefined, ...unset },
    ]);
    const found = price({ provider: "openai", model: "gpt-4o-mini", usage });
    expect(found?.output).toBeCloseTo((10 * 20) / million, 12);
    expect(found?.input).toBeCloseTo((850 * 0.15 + 100 * 0.075 + 50 * 0.15) / million, 12);
    const embedding = { provider: "openai", model: "text-embedding-3-small" } as const;
    expect(price({ ...embedding, usage: { inputTokens: million } })?.total).toBe(3);
    expect(price({ ...embedding, usage: { inputTokens: 1, outputTokens: 1 } })).toBeUndefined();
  });

  test("is found by the name that was asked for where the answering model has none", () => {
    const price = createPricer([
      { model: "fast", input: 1, output: 1, ...unset },
      { model: "fast-2026-01-01", input: 2, output: 2, ...unset },
    ]);
    const call = { provider: "openai", asked: "fast", usage: { inputTokens: million } } as const;
    expect(price({ ...call, model: "served-by-someone" })?.total).toBe(1);
    expect(price({ ...call, model: "fast-2026-01-01" })?.total).toBe(2);
    expect(price({ ...call, asked: "other", model: "served-by-someone" })).toBeUndefined();
  });
});
