import { describe, expect, test } from "bun:test";
import type { Verdict } from "../../../../src/workers/guardrails/guardrail.ts";
import {
  createPatternGuardrail,
  longestLiteral,
} from "../../../../src/workers/guardrails/pattern.ts";
import type { PatternSettings } from "../../../../src/workers/guardrails/pattern.ts";
import { guardrailInput } from "../../../support/guardrail-input.ts";

let breaths = 0;
const pace = {
  nowMs: () => performance.now(),
  breathe: async () => {
    breaths++;
    await new Promise((resolve) => setImmediate(resolve));
  },
};

async function check(
  settings: Partial<PatternSettings>,
  texts: readonly string[],
  signal = new AbortController().signal,
): Promise<Verdict> {
  const guardrail = createPatternGuardrail(
    { patterns: [], builtin: [], action: "mask", ...settings },
    pace,
  );
  return guardrail(guardrailInput({ texts }), { signal });
}

async function masked(settings: Partial<PatternSettings>, text: string): Promise<string> {
  const verdict = await check(settings, [text]);
  return verdict.action === "mask" ? (verdict.texts[0] ?? "") : text;
}

describe("a pattern guardrail", () => {
  const patterns = [{ name: "city", regex: "Z.rich" }];

  test("allows what no pattern matches", async () => {
    expect(await check({ patterns }, ["Bern", "Basel"])).toEqual({ action: "allow" });
  });

  test("masks each match with its pattern's name and counts them", async () => {
    expect(await check({ patterns }, ["from Zürich to Zurich", "Bern"])).toEqual({
      action: "mask",
      texts: ["from [city] to [city]", "Bern"],
      masked: [{ city: 2 }, {}],
    });
  });

  test("blocks with names and never with what was found", async () => {
    expect(await check({ patterns, action: "block" }, ["to Zürich"])).toEqual({
      action: "block",
      reason: "matches city",
      category: "city",
    });
  });

  test("overlapping matches become one", async () => {
    const both = [
      { name: "first", regex: "abcd" },
      { name: "second", regex: "cdef" },
    ];
    expect(await masked({ patterns: both }, "xabcdefx")).toBe("x[first]x");
  });

  test("finds a match wherever it lies in a long text", async () => {
    for (const at of [0, 1000, 1020, 2040, 2047, 2048, 5000]) {
      const text = "x ".repeat(5000).slice(0, at);
      const rest = " y".repeat(2000);
      expect(await masked({ patterns }, `${text}Zürich${rest}`)).toBe(`${text}[city]${rest}`);
    }
  });

  test.each([
    ["one long text", ["a".repeat(8_000_000)]],
    ["many short ones", Array.from({ length: 5000 }, () => "a".repeat(1600))],
  ])("lets its thread breathe over %s, and ends with its signal", async (_name, texts) => {
    const slow = [{ name: "slow", regex: String.raw`\w+@` }];
    const controller = new AbortController();
    breaths = 0;
    const running = check({ patterns: slow }, texts, controller.signal);
    setTimeout(() => controller.abort(), 20);
    let failure: unknown;
    await running.catch((error: unknown) => {
      failure = error;
    });
    expect(breaths).toBeGreaterThan(0);
    expect(String(failure)).toContain("abort");
  });

  test("knows its longest literal, which a stream holds back", () => {
    const found = longestLiteral({
      patterns: [
        { name: "a", regex: "project nightingale" },
        { name: "b", regex: "a.*long enough to count if it were literal" },
      ],
    });
    expect(found).toBe("project nightingale".length);
  });
});

describe("built-in patterns", () => {
  test.each([
    ["secrets", "key AKIAIOSFODNN7EXAMPLE.", "key [aws_key]."],
    ["secrets", "sk-ant-api03-abcdefghijklmnopqrstuv", "[anthropic_key]"],
    ["secrets", "sk-proj-abcdefghijklmnopqrstuv1234", "[openai_key]"],
    ["secrets", `ghp_${"a1".repeat(18)}`, "[github_token]"],
    ["secrets", "a task-force of risk-takers", "a task-force of risk-takers"],
    [
      "secrets",
      `eyJhbGciOiJIUzI1NiJ9.eyJ${"a1b2".repeat(400)}.${"c3".repeat(20)} end`,
      "[jwt] end",
    ],
    [
      "secrets",
      `-----BEGIN RSA PRIVATE KEY-----\n${"MIIEpAIBAAKCAQEA/+\n".repeat(200)}-----END RSA PRIVATE KEY----- end`,
      "[private_key] end",
    ],
    ["email", "write to jürgen.müller+x@mail.example.co.uk, please", "write to [email], please"],
    ["email", "@home and a@b", "@home and a@b"],
    ["card_number", "pay 4111 1111 1111 1111 now", "pay [card_number] now"],
    ["card_number", "pay 4111-1111-1111-1111 12 times", "pay [card_number] 12 times"],
    ["card_number", "order 4111 1111 1111 1112", "order 4111 1111 1111 1112"],
    ["card_number", "0000 0000 0000 0000", "0000 0000 0000 0000"],
    ["iban", "to GB82 WEST 1234 5698 7654 32 NOW", "to [iban] NOW"],
    ["iban", "to DE89370400440532013000.", "to [iban]."],
    ["iban", "to DE89370400440532013001.", "to DE89370400440532013001."],
  ] as const)("%s are told from what only looks alike (%#)", async (set, text, expected) => {
    expect(await masked({ builtin: [set] }, text)).toBe(expected);
  });

  test("none takes long over the text that suits it worst", async () => {
    const builtin = ["secrets", "email", "card_number", "iban"];
    for (const unit of [
      "a",
      "a.",
      "1",
      "1 ",
      "A1",
      "eyJ",
      "eyJa.",
      "-----BEGIN PRIVATE KEY-----",
      "GB82 ",
      "a@a.",
    ]) {
      const startedMs = performance.now();
      await check({ builtin }, [unit.repeat(20_000).slice(0, 20_000)]);
      expect(performance.now() - startedMs).toBeLessThan(3000);
    }
  });
});
