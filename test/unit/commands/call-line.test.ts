import { describe, expect, test } from "bun:test";
import { noOutcome } from "../../../src/protocol/call-task.ts";
import { callLine } from "../../../src/commands/call-line.ts";
import { createCallSource, reportOf, testTraceId } from "../../support/server-calls.ts";

/** The line's columns. */
function columns(changes: Parameters<typeof reportOf>[1], model = "gpt-4o-mini"): string[] {
  const call = createCallSource().open();
  call.model = model;
  return callLine(reportOf(call, changes), 12.6).split(/ {2,}/);
}

describe("a call's line", () => {
  test("has route, model, status, time, tokens and trace", () => {
    const outcome = { ...noOutcome, inputTokens: 100, outputTokens: 20 };
    expect(columns({ outcome })).toEqual([
      "/v1/chat/completions",
      "gpt-4o-mini",
      "200",
      "13 ms",
      "100→20",
      testTraceId,
    ]);
  });

  test("says how a call went that did not go well", () => {
    const failure = { code: "client_disconnected", message: "" } as const;
    const line = columns({ status: undefined, failure });
    expect(line.slice(2)).toEqual(["-", "13 ms", "-", testTraceId, "client_disconnected"]);
  });

  test("tells tokens of nothing from tokens that are not known", () => {
    expect(columns({ outcome: { ...noOutcome, inputTokens: 0, outputTokens: 0 } })[4]).toBe("0→0");
    expect(columns({ outcome: noOutcome })[4]).toBe("-");
    expect(columns({ outcome: { ...noOutcome, outputTokens: 3 } })[4]).toBe("0→3");
  });

  test("stays one line of a bounded length, and drives no terminal, whatever the model is called", () => {
    const model = `\u001b[2J\r\n\u009b31m${"m".repeat(500)}`;
    const [, shown] = columns({}, model);
    expect(shown).toBe(`?[2J???31m${"m".repeat(50)}`);
    expect(columns({}, "")[1]).toBe("-");
  });
});
