import { describe, expect, test } from "bun:test";
import { createCallSpans } from "../../../src/tracing/recorder/call-spans.ts";
import type { Span } from "../../../src/tracing/recorder/call-spans.ts";
import { createIdSource } from "../../../src/tracing/recorder/ids.ts";
import { StatusCode } from "../../../src/tracing/recorder/span-encoding.ts";
import { createGuardrailStage } from "../../../src/workers/guardrail-stage.ts";
import type { CheckedContent, GuardrailStage } from "../../../src/workers/guardrail-stage.ts";
import type { Guardrail, Stage, Verdict } from "../../../src/workers/guardrails/guardrail.ts";
import { guardrailInput } from "../../support/guardrail-input.ts";
import { readyGuardrail } from "../../support/ready-guardrail.ts";

interface Harness {
  readonly stage: GuardrailStage;
  readonly spans: Span[];
  readonly note: () => string;
}

function harness(
  ready: readonly ReturnType<typeof readyGuardrail>[],
  { stage = "pre_call", contentChars = 0 }: { stage?: Stage; contentChars?: number } = {},
): Harness {
  let nowMs = 0;
  const clock = (): number => (nowMs += 1);
  const trace = {
    traceId: "1".repeat(32),
    spanId: "",
    traceFlags: 1,
    traceState: "",
    isRemote: false,
  };
  const recorder = createCallSpans({ clock, ids: createIdSource() }, trace);
  const spans: Span[] = [];
  let note = "";
  const { route, model, call, traceId, headers, endUser, keyName } = guardrailInput();
  return {
    spans,
    note: () => note,
    stage: createGuardrailStage(
      stage,
      ready.map((guardrail) => ({ ready: guardrail, extra: {} })),
      {
        call: { route, model, call, traceId, headers, endUser, keyName },
        startSpan(name, kind) {
          const span = recorder.start({ name, kind });
          spans.push(span);
          return span;
        },
        endSpan: (span) => recorder.end(span),
        failSpan: (span, type, message) => recorder.fail(span, type, message),
        nowMs: clock,
        cancelled: new AbortController().signal,
        cancelCode: () => undefined,
        contentChars,
        note(message) {
          note = message;
        },
      },
    ),
  };
}

function content(texts: readonly string[], final = true): CheckedContent {
  return { texts, images: [], tools: [], toolCalls: [], messages: [], final };
}

const giving =
  (verdict: Verdict): Guardrail =>
  () =>
    verdict;
const verdictOf = (span: Span | undefined): unknown =>
  span?.attributes["everyspan.guardrail.verdict"];

describe("a stage of guardrails", () => {
  test("runs them in order, each on what the one before made of the texts", async () => {
    const seen: string[][] = [];
    const adding =
      (mark: string): Guardrail =>
      ({ texts }) => {
        seen.push([...texts]);
        return { action: "mask", texts: texts.map((text) => text + mark) };
      };
    const { stage, spans } = harness([
      readyGuardrail({ name: "one", check: adding("1") }),
      readyGuardrail({ name: "two", check: adding("2") }),
    ]);
    expect((await stage.check(content(["x"]))).texts).toEqual(["x12"]);
    expect(seen).toEqual([["x"], ["x1"]]);
    expect(spans.map(({ name }) => name)).toEqual(["apply_guardrail one", "apply_guardrail two"]);
    expect(spans.every(({ endMs }) => endMs !== undefined)).toBe(true);
  });

  test("has one span for all windows of a stream, with the strongest verdict", async () => {
    const verdicts: Verdict[] = [
      { action: "allow" },
      { action: "mask", texts: ["y"], masked: { email: 2 } },
      { action: "allow" },
    ];
    const { stage, spans } = harness([
      readyGuardrail({ check: () => verdicts.shift() ?? { action: "allow" } }),
    ]);
    for (const final of [false, false, true]) await stage.check(content(["x"], final));
    stage.end();
    expect(spans).toHaveLength(1);
    expect(spans[0]?.attributes).toMatchObject({
      "everyspan.guardrail.verdict": "mask",
      "everyspan.guardrail.windows": 3,
      "everyspan.guardrail.masked_count": 2,
      "everyspan.guardrail.masked_entities": ["email:2"],
    });
  });

  test("adds up what was masked in each of a stream's texts, however often each is shown", async () => {
    const { stage, spans } = harness([
      readyGuardrail({
        check: ({ texts }) => ({
          action: "mask",
          texts: texts.map(() => "[x]"),
          masked: texts.map((text) => ({ x: text.length })),
        }),
      }),
      readyGuardrail({ name: "two", check: () => ({ action: "mask", texts: ["y", "y"] }) }),
    ]);
    const shown = (texts: string[], sources: number[], final = false): CheckedContent => ({
      ...content(texts, final),
      sources,
    });
    await stage.check(shown(["ab", "a"], [0, 1]));
    await stage.check(shown(["abc", "a"], [0, 2]));
    await stage.check(shown(["ab", "abcd"], [2, 3], true));
    expect(spans[0]?.attributes).toMatchObject({
      "everyspan.guardrail.masked_count": 3 + 1 + 2 + 4,
      "everyspan.guardrail.masked_entities": ["x:10"],
    });
    expect(spans[1]?.attributes["everyspan.guardrail.masked_count"]).toBe(4);
  });

  test("ends at the first block, which is no error of the span, and whose reason stays off it", async () => {
    const block: Verdict = { action: "block", reason: "he said: xyzzy", category: "abuse" };
    const { stage, spans, note } = harness([
      readyGuardrail({ name: "m", type: "module", check: giving(block) }),
      readyGuardrail({ name: "never", check: giving({ action: "allow" }) }),
    ]);
    expect(stage.check(content(["x"]))).rejects.toMatchObject({
      code: "guardrail_blocked",
      message: "guardrail m blocked the call: he said: xyzzy",
    });
    stage.end();
    expect(spans).toHaveLength(1);
    expect(verdictOf(spans[0])).toBe("block");
    expect(spans[0]?.statusCode).toBe(StatusCode.unset);
    expect(spans[0]?.attributes["gen_ai.guardrail.risk.category"]).toBe("abuse");
    expect(JSON.stringify(spans) + note()).not.toContain("xyzzy");
  });

  test("records reason and texts where content is captured", async () => {
    const block: Verdict = { action: "block", reason: "xyzzy", category: "abuse" };
    const { stage, spans } = harness([readyGuardrail({ type: "module", check: giving(block) })], {
      contentChars: 1000,
    });
    await stage.check(content(["the text"])).catch(() => undefined);
    stage.end();
    expect(spans[0]?.attributes).toMatchObject({
      "everyspan.guardrail.reason": "xyzzy",
      "gen_ai.guardrail.content.input.value": '["the text"]',
    });
  });

  test("a span has room for a bounded category, and for so many kinds of what was masked", async () => {
    const block: Verdict = { action: "block", reason: "x", category: "c".repeat(100_000) };
    const blocking = harness([readyGuardrail({ type: "module", check: giving(block) })]);
    await blocking.stage.check(content(["x"])).catch(() => undefined);
    blocking.stage.end();
    const kinds = Array.from({ length: 1000 }, (_, at) => [`${at}${"k".repeat(1000)}`, 1] as const);
    const mask: Verdict = { action: "mask", texts: ["y"], masked: Object.fromEntries(kinds) };
    const masking = harness([readyGuardrail({ type: "module", check: giving(mask) })]);
    await masking.stage.check(content(["x"]));
    expect(JSON.stringify([...blocking.spans, ...masking.spans]).length).toBeLessThan(30_000);
    expect(blocking.note().length).toBeLessThan(1000);
    expect(masking.spans[0]?.attributes["everyspan.guardrail.masked_count"]).toBe(1000);
  });

  test("records texts that are too long as JSON all the same", async () => {
    const mask: Verdict = { action: "mask", texts: ["y".repeat(500), "🙂".repeat(500)] };
    const { stage, spans } = harness([readyGuardrail({ check: giving(mask) })], {
      contentChars: 200,
    });
    await stage.check(content(["x", "x"]));
    const recorded = spans[0]?.attributes["gen_ai.guardrail.content.output.value"] as string;
    expect(recorded.length).toBeLessThanOrEqual(200);
    expect(JSON.parse(recorded)).toEqual([
      expect.stringMatching(/^y+…$/),
      expect.stringMatching(/^(?:🙂)+…$/u),
    ]);
  });

  test("refuses what it would have to rewrite beside the provider call", async () => {
    const mask: Verdict = { action: "mask", texts: ["y"] };
    const { stage } = harness([readyGuardrail({ check: giving(mask) })], { stage: "during_call" });
    expect(stage.check(content(["x"]))).rejects.toMatchObject({ code: "guardrail_blocked" });
  });

  test("a mask that changes nothing is none, beside the provider call too", async () => {
    const mask: Verdict = { action: "mask", texts: ["x", "y"], masked: { name: 3 } };
    for (const stage of ["pre_call", "during_call", "post_call"] as const) {
      const { stage: running, spans } = harness([readyGuardrail({ check: giving(mask) })], {
        stage,
        contentChars: 100,
      });
      expect((await running.check(content(["x", "y"]))).texts).toEqual(["x", "y"]);
      expect(verdictOf(spans[0])).toBe("allow");
      expect(Object.keys(spans[0]?.attributes ?? {}).join()).not.toContain("masked");
    }
  });

  test("counts what was rewritten where the guardrail does not say", async () => {
    const mask: Verdict = {
      action: "mask",
      texts: ["x", "[y]", "[z]"],
      images: ["blurred"],
      tools: [{ name: "f" }],
    };
    const { stage, spans } = harness([readyGuardrail({ check: giving(mask) })]);
    await stage.check({
      ...content(["x", "y", "z"]),
      images: ["sharp"],
      tools: [{ name: "f" }],
    });
    expect(spans[0]?.attributes).toMatchObject({
      "everyspan.guardrail.verdict": "mask",
      "everyspan.guardrail.masked_count": 3,
      "everyspan.guardrail.masked_entities": ["text:2", "image:1"],
    });
  });

  test("a failure is an error of the span; the policy decides what it is to the call", async () => {
    const failed: Verdict = { action: "failed", cause: "error", message: "it broke" };
    const open = harness([readyGuardrail({ check: giving(failed), onError: "allow" })]);
    expect((await open.stage.check(content(["x"]))).texts).toEqual(["x"]);
    const closed = harness([readyGuardrail({ check: giving(failed) })]);
    expect(closed.stage.check(content(["x"]))).rejects.toMatchObject({ code: "guardrail_failed" });
    for (const [{ stage, spans }, action] of [
      [open, "allow"],
      [closed, "block"],
    ] as const) {
      stage.end();
      expect(verdictOf(spans[0])).toBe("failed");
      expect(spans[0]?.statusCode).toBe(StatusCode.error);
      expect(spans[0]?.attributes["error.type"]).toBe("error");
      expect(spans[0]?.attributes["everyspan.guardrail.failure_action"]).toBe(action);
    }
  });

  test("that had nothing to check has spans that say so", () => {
    const { stage, spans } = harness([readyGuardrail({ check: giving({ action: "allow" }) })]);
    stage.end();
    expect(spans.map(verdictOf)).toEqual(["not_run"]);
  });

  test("shows the next guardrail nothing of what was masked, in whatever form", async () => {
    const seen: unknown[] = [];
    const { stage } = harness([
      readyGuardrail({ name: "a", check: giving({ action: "mask", texts: ["[x]"] }) }),
      readyGuardrail({
        name: "b",
        check(input) {
          seen.push(input);
          return { action: "allow" };
        },
      }),
    ]);
    const rebuild = ({ texts }: { readonly texts: readonly string[] }): CheckedContent => ({
      ...content(texts),
      messages: [{ role: "user", content: texts[0] }],
    });
    await stage.check({ ...content(["xyzzy"]), messages: [{ content: "xyzzy" }], rebuild });
    expect(JSON.stringify(seen)).not.toContain("xyzzy");
    expect(JSON.stringify(seen)).toContain("[x]");
  });
});
