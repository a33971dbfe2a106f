import { describe, expect, test } from "bun:test";
import type {
  CallSpan,
  ChatSpan,
  SpanValues,
} from "../../../../../src/tracing/exporter/dialects/call-span.ts";
import * as derived from "../../../../../src/tracing/exporter/dialects/derived-values.ts";

function chat(values: SpanValues): ChatSpan {
  return { role: "chat", name: "", startMs: Date.UTC(2026, 0, 1), values, start: 0, end: 0 };
}

function guardrail(values: SpanValues): CallSpan {
  return { role: "guardrail", name: "", startMs: 0, values, start: 0, end: 0 };
}

function json(text: unknown): unknown {
  return JSON.parse(typeof text === "string" ? text : "null");
}

const usage = {
  "gen_ai.usage.input_tokens": 1000,
  "gen_ai.usage.output_tokens": 500,
  "gen_ai.usage.cache_read.input_tokens": 300,
  "gen_ai.usage.cache_write.input_tokens": 200,
  "gen_ai.usage.reasoning.output_tokens": 120,
};

describe("usage for Langfuse", () => {
  test("is units that do not overlap, reasoning left in the output", () => {
    const span = chat(usage);
    expect(json(derived.langfuseUsage(span, span))).toEqual({
      input: 500,
      input_cached_tokens: 300,
      input_cache_creation: 200,
      output: 500,
      total: 1500,
    });
  });

  test("has no unit for what did not happen, and is absent without counts", () => {
    const plain = chat({ "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3 });
    expect(json(derived.langfuseUsage(plain, plain))).toEqual({ input: 7, output: 3, total: 10 });
    expect(derived.langfuseUsage(chat({}), undefined)).toBeUndefined();
  });
});

describe("cost", () => {
  const cost = {
    "gen_ai.usage.cost": 0.1 + 0.2,
    "everyspan.cost.input": 0.1,
    "everyspan.cost.output": 0.2,
  };

  test("is each backend's JSON, without the dust of binary fractions", () => {
    const span = chat(cost);
    expect(derived.langfuseCost(span, span)).toBe('{"input":0.1,"output":0.2,"total":0.3}');
    expect(derived.mlflowCost(span, span)).toBe(
      '{"input_cost":0.1,"output_cost":0.2,"total_cost":0.3}',
    );
  });

  test("is absent when unknown, and zero only when it is zero", () => {
    expect(derived.langfuseCost(chat(usage), undefined)).toBeUndefined();
    expect(derived.mlflowCost(chat(usage), undefined)).toBeUndefined();
    const free = chat({
      "gen_ai.usage.cost": 0,
      "everyspan.cost.input": 0,
      "everyspan.cost.output": 0,
    });
    expect(json(derived.mlflowCost(free, free))).toEqual({
      input_cost: 0,
      output_cost: 0,
      total_cost: 0,
    });
  });
});

describe("messages", () => {
  const input = '[{"role":"user","parts":[]}]';
  const system = '[{"type":"text","content":"Be \\"brief\\"."}]';

  test("come with the system prompt in front", () => {
    for (const [messages, count] of [
      [input, 2],
      [` ${input} `, 2],
      ["[]", 1],
      ["[ ]", 1],
    ] as const) {
      const span = chat({
        "gen_ai.input.messages": messages,
        "gen_ai.system_instructions": system,
      });
      const list = json(derived.callInput(span, span)) as { role: string; parts: unknown }[];
      expect(list).toHaveLength(count);
      expect(list[0]).toEqual({ role: "system", parts: JSON.parse(system) as unknown });
    }
  });

  test("are as recorded where there is no system prompt or no array, and absent where nothing is", () => {
    const span = chat({ "gen_ai.input.messages": input });
    expect(derived.callInput(span, span)).toBe(input);
    const cut = chat({ "gen_ai.input.messages": "cut", "gen_ai.system_instructions": system });
    expect(derived.callInput(cut, cut)).toBe("cut");
    expect(derived.callInput(span, undefined)).toBeUndefined();
    expect(derived.callInput(chat({}), chat({}))).toBeUndefined();
  });
});

describe("the rest", () => {
  test("says when a stream's first content came", () => {
    const span = chat({ "gen_ai.response.time_to_first_chunk": 1.5 });
    expect(derived.completionStartTime(span, span)).toBe("2026-01-01T00:00:01.500Z");
    expect(derived.completionStartTime(chat({}), undefined)).toBeUndefined();
  });

  test("warns of a guardrail that blocked, and of no other", () => {
    const verdict = (value: string) => guardrail({ "everyspan.guardrail.verdict": value });
    expect(derived.warningOnBlock(verdict("block"), undefined)).toBe("WARNING");
    for (const other of ["allow", "mask", "failed"]) {
      expect(derived.warningOnBlock(verdict(other), undefined)).toBeUndefined();
    }
  });

  test("gives a guardrail its verdict as output where it rewrote nothing, content permitting", () => {
    const verdict = { "everyspan.guardrail.verdict": "allow" };
    const shown = { ...verdict, "gen_ai.guardrail.content.input.value": "[]" };
    const masked = { "gen_ai.guardrail.content.output.value": '["***"]' };
    expect(derived.guardrailOutput(guardrail(verdict), undefined)).toBeUndefined();
    expect(derived.guardrailOutput(guardrail(shown), undefined)).toBe("allow");
    expect(derived.guardrailOutput(guardrail(masked), undefined)).toBe('["***"]');
  });
});
