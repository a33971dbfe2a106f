import { describe, expect, test } from "bun:test";
import { judge } from "../../../src/workers/guardrail-judge.ts";
import type { Guardrail } from "../../../src/workers/guardrails/guardrail.ts";
import { guardrailInput } from "../../support/guardrail-input.ts";
import { readyGuardrail } from "../../support/ready-guardrail.ts";

const never = new AbortController().signal;

function ask(check: Guardrail, cancelled = never, timeoutMs = 20): ReturnType<typeof judge> {
  return judge(readyGuardrail({ check, timeoutMs }), guardrailInput(), cancelled);
}

describe("a judgement", () => {
  test("is the guardrail's verdict, given at once or later", async () => {
    expect(await ask(() => ({ action: "allow" }))).toEqual({ action: "allow" });
    expect(await ask(async () => ({ action: "allow" }))).toEqual({ action: "allow" });
  });

  test("comes in time from a guardrail that hangs and ignores its signal", async () => {
    let signal: AbortSignal | undefined;
    const hanging: Guardrail = (_, options) => {
      signal = options.signal;
      return new Promise(() => undefined);
    };
    expect(await ask(hanging)).toMatchObject({ action: "failed", cause: "timeout" });
    expect(signal?.aborted).toBe(true);
  });

  test("comes at once when the call is cancelled", async () => {
    const controller = new AbortController();
    const running = ask(() => new Promise(() => undefined), controller.signal, 60_000);
    controller.abort();
    expect(await running).toEqual({ action: "cancelled" });
    expect(await ask(() => ({ action: "allow" }), controller.signal)).toEqual({
      action: "cancelled",
    });
  });
});
