import { describe, expect, test } from "bun:test";
import type { Verdict } from "../../../../src/workers/guardrails/guardrail.ts";
import { createModuleGuardrail } from "../../../../src/workers/guardrails/module-guardrail.ts";
import { guardrailInput } from "../../../support/guardrail-input.ts";

function ask(loaded: Promise<unknown>, texts = ["a text"]): Verdict | Promise<Verdict> {
  const options = { signal: new AbortController().signal };
  return createModuleGuardrail(loaded, () => undefined)(guardrailInput({ texts }), options);
}
const returning = (value: unknown): Promise<unknown> =>
  Promise.resolve({ default: { check: () => value } });

describe("a module", () => {
  test("allows, blocks and masks, at once or later", async () => {
    expect(await ask(returning({ action: "allow" }))).toEqual({ action: "allow" });
    expect(await ask(returning(Promise.resolve({ action: "block", reason: "rule 7" })))).toEqual({
      action: "block",
      reason: "rule 7",
      category: "policy",
    });
    expect(await ask(returning({ action: "mask", texts: ["[x]"], masked: { x: 1 } }))).toEqual({
      action: "mask",
      texts: ["[x]"],
      masked: { x: 1 },
    });
  });

  test("has lists of its own: what it does to them is no rewrite", async () => {
    const input = guardrailInput({ texts: ["a", "b"], images: ["i"], toolCalls: [{ id: "c" }] });
    const emptying = Promise.resolve({
      default: {
        check(shown: typeof input): unknown {
          for (const list of [shown.texts, shown.images, shown.toolCalls, shown.headers]) {
            (list as unknown[]).length = 0;
          }
          (shown.tools as unknown[]).push("t");
          return { action: "allow" };
        },
      },
    });
    const before = structuredClone(input);
    await createModuleGuardrail(emptying, () => undefined)(input, {
      signal: new AbortController().signal,
    });
    expect(input).toEqual(before);
  });

  test("that counts in anything but whole numbers has not counted", async () => {
    for (const count of [Number.NaN, -1, 2.5, Number.POSITIVE_INFINITY, "3"]) {
      const mask = { action: "mask", texts: ["[x]"], masked: { x: count } };
      expect(await ask(returning(mask))).toEqual({ action: "mask", texts: ["[x]"] });
    }
  });

  test("keeps its own state beside its check", async () => {
    const own = {
      words: ["text"],
      check({ texts }: { texts: string[] }): unknown {
        return { action: texts.some((text) => text.includes(this.words[0]!)) ? "block" : "allow" };
      },
    };
    expect(await ask(Promise.resolve({ default: own }))).toMatchObject({ action: "block" });
  });

  test("that returns no verdict, or a mask of another length, has failed", async () => {
    for (const value of [
      undefined,
      "allow",
      {},
      { action: "deny" },
      { action: "mask" },
      { action: "mask", texts: [] },
      { action: "mask", texts: [1] },
    ]) {
      expect(await ask(returning(value))).toMatchObject({ action: "failed", cause: "error" });
    }
  });

  test("that throws has failed, and its message, which may quote a text, goes nowhere", async () => {
    const throwing = Promise.resolve({
      default: {
        check({ texts }: { texts: string[] }): never {
          throw new TypeError(`bad: ${texts[0]}`);
        },
      },
    });
    const verdict = await ask(throwing, ["secret"]);
    expect(verdict).toMatchObject({ action: "failed", message: "the module threw (TypeError)" });
  });

  test("that does not load, or has no check, fails every check", async () => {
    expect(await ask(Promise.reject(new Error("no such file")))).toMatchObject({
      action: "failed",
    });
    expect(await ask(Promise.resolve({}))).toMatchObject({ action: "failed" });
  });
});

test("where a module throws is said once for each place, without what was thrown", async () => {
  const said: string[] = [];
  const errors = [new TypeError("about: the text"), new RangeError("x"), "no error"];
  const check = (): never => {
    throw errors[0] as Error;
  };
  const guardrail = createModuleGuardrail(Promise.resolve({ default: { check } }), (text) =>
    said.push(text),
  );
  while (errors.length > 0) {
    for (let round = 0; round < 3; round++) {
      await guardrail(guardrailInput({}), { signal: new AbortController().signal });
    }
    errors.shift();
  }
  expect(said).toHaveLength(3);
  expect(said[0]).toMatch(/^TypeError at module-guardrail\.test\.ts:\d+:\d+$/);
  expect(said[1]).toMatch(/^RangeError at module-guardrail\.test\.ts:\d+:\d+$/);
  expect(said[2]).toBe("string");
});
