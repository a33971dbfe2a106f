import { describe, expect, test } from "bun:test";
import { noOutcome } from "../../../src/protocol/call-task.ts";
import type { CallOutcome } from "../../../src/protocol/call-task.ts";
import { createUnpricedModels } from "../../../src/server/unpriced-models.ts";

function outcome(changes: Partial<CallOutcome>): CallOutcome {
  const called = { responseModel: "house-model", attempts: 1, chatSeconds: 1 };
  return { ...noOutcome, ...called, inputTokens: 10, outputTokens: 1, ...changes };
}

function listener(): { readonly said: string[]; readonly tell: (call: CallOutcome) => void } {
  const said: string[] = [];
  return { said, tell: createUnpricedModels((_level, text) => said.push(text)) };
}

describe("a model without a price", () => {
  test("is named once, however many calls it answers", () => {
    const { said, tell } = listener();
    for (let call = 0; call < 3; call += 1) tell(outcome({}));
    tell(outcome({ responseModel: "another" }));
    expect(said).toEqual([
      'no price is known for model "house-model": its calls carry no cost (see pricing)',
      'no price is known for model "another": its calls carry no cost (see pricing)',
    ]);
  });

  test("is passed over when it has a price, zero included, or used nothing", () => {
    const { said, tell } = listener();
    tell(outcome({ cost: 0 }));
    tell(outcome({ cost: 0.1 }));
    tell(outcome({ inputTokens: -1 }));
    tell(outcome({ responseModel: "" }));
    expect(said).toEqual([]);
  });

  test("does not fill memory or the log when a provider makes names up", () => {
    const { said, tell } = listener();
    tell(outcome({ responseModel: `line\nbreak ${"x".repeat(500)}` }));
    for (let call = 0; call < 1500; call += 1) tell(outcome({ responseModel: `made-up-${call}` }));
    expect(said).toHaveLength(1000);
    expect(said.every((line) => !line.includes("\n") && line.length < 200)).toBe(true);
  });
});
