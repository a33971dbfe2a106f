import { describe, expect, test } from "bun:test";
import { addUp, openState, type GoodPlan, type RowState } from "../../../src/batch/row-state.ts";
import { noOutcome, type CallOutcome } from "../../../src/protocol/call-task.ts";

function state(): RowState {
  const row = { number: 1, line: 1, fields: {}, problem: "" };
  const opening = {
    call: "c",
    row: 1,
    line: 1,
    traceId: "",
    traceFlags: 1,
    spanId: "",
    chatSpanId: "",
    attemptSpanId: "",
    startMs: 0,
    model: "",
  };
  const sending = { place: 0, pass: { tokens: 1, sending: 0 }, opening, lostThreads: 0 };
  return openState(row, { ...sending, plan: {} as GoodPlan });
}

function used(...calls: readonly Partial<CallOutcome>[]): RowState {
  const row = state();
  for (const call of calls) {
    const outcome = { ...noOutcome, ...call };
    addUp(row, { kind: "failed", code: "internal", message: "", outcome });
  }
  return row;
}

describe("a row's figures", () => {
  test("are those of all its calls; what is unknown is in none of them", () => {
    const first = { inputTokens: 5, outputTokens: -1, cost: 0.5, attempts: 2, lastEndMs: 9 };
    const second = { inputTokens: 7, outputTokens: 3, cost: -1, attempts: 1, lastEndMs: 4 };
    expect(used(first, second, { inputTokens: -1 })).toMatchObject({
      inputTokens: 12,
      outputTokens: 3,
      hasUsage: true,
      cost: 0.5,
      unpriced: 1,
      lastEndMs: 9,
    });
    expect(used({ inputTokens: -1 }).hasUsage).toBe(false);
  });

  test("are such as the ledger takes, whatever was told", () => {
    const row = used(
      { inputTokens: 1.5, outputTokens: 1e300, cost: 1e308 },
      { inputTokens: 1.4, outputTokens: 1e300, cost: 1e308 },
      { inputTokens: 2, outputTokens: 0, cost: NaN },
    );
    expect(row).toMatchObject({ inputTokens: 5, cost: 1e308, unpriced: 2 });
    expect(row.outputTokens).toBe(Number.MAX_SAFE_INTEGER);
  });
});
