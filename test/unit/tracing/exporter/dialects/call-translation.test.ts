import { describe, expect, test } from "bun:test";
import { dialects } from "../../../../../src/config/schema.ts";
import { callTranslation } from "../../../../../src/tracing/exporter/dialects/call-translation.ts";
import { dialectNamed } from "../../../../../src/tracing/exporter/dialects/dialect-table.ts";
import {
  decodeSpans,
  spanRanges,
  type DecodedSpan,
} from "../../../../../src/tracing/recorder/span-decoding.ts";
import { callerSpanId, storedCall, storedTraceId } from "../../../../support/stored-call.ts";
import { translateCall } from "../../../../support/translate-call.ts";

const plain = { cutParent: false, attributeLimit: undefined };

function translated(name: string, spans: Uint8Array, options = plain): DecodedSpan[] {
  return decodeSpans(translateCall(callTranslation(dialectNamed(name), options), spans));
}

function named(spans: readonly DecodedSpan[], name: string): DecodedSpan {
  const span = spans.find((candidate) => candidate.name === name);
  if (span === undefined) throw new Error(`no span ${name}`);
  return span;
}

describe("the translation of a call", () => {
  test("gives the same bytes for the same stored call, in whatever order and however often", () => {
    const calls = [storedCall(), storedCall({ content: true }), storedCall({ passes: true })];
    for (const name of dialects) {
      for (const cutParent of [false, true]) {
        for (const attributeLimit of [undefined, 60]) {
          const make = () => callTranslation(dialectNamed(name), { cutParent, attributeLimit });
          const first = make();
          const second = make();
          const expected = calls.map((call) => translateCall(first, call).toHex());
          for (const index of [2, 0, 1, 1]) {
            const call = calls[index] ?? new Uint8Array();
            expect(translateCall(second, call).toHex()).toBe(expected[index] ?? "");
            const binary = Buffer.from(call).toString("latin1");
            expect(translateCall(second, binary).toHex()).toBe(expected[index] ?? "");
          }
        }
      }
    }
  });

  test("leaves the stored bytes and all that they said alone", () => {
    const stored = storedCall({ content: true });
    const before = Buffer.from(stored).toString("hex");
    for (const name of dialects) {
      const spans = translated(name, stored);
      decodeSpans(stored).forEach((original, index) => {
        const { attributes, typedAttributes, ...rest } = spans[index] ?? original;
        expect(rest).toMatchObject({ name: original.name, spanId: original.spanId });
        expect(rest.startUnixNano).toBe(original.startUnixNano);
        expect(attributes).toMatchObject(original.attributes);
        const keys = typedAttributes.map(({ key }) => key);
        expect(new Set(keys).size).toBe(keys.length);
      });
    }
    expect(Buffer.from(stored).toString("hex")).toBe(before);
  });

  test("is the stored bytes themselves where nothing is to be added", () => {
    const stored = storedCall();
    const sent = translateCall(callTranslation(dialectNamed("genai"), plain), stored);
    expect(sent.toHex()).toBe(stored.toHex());
  });

  test("keeps messages off root, chat and guardrails unless they were recorded", () => {
    for (const name of dialects) {
      for (const span of translated(name, storedCall())) {
        expect(span.attributes).not.toContainKey("input.value");
        expect(span.attributes).not.toContainKey("output.value");
      }
    }
  });

  test("puts no model, usage or cost on any span but chat", () => {
    for (const name of dialects) {
      for (const span of translated(name, storedCall({ content: true }))) {
        if (span.name.startsWith("chat")) continue;
        const keys = Object.keys(span.attributes).join(" ");
        expect(keys).not.toMatch(/llm\.|usage|cost|gen_ai\.(?:request|response)/);
      }
    }
  });

  test("invents nothing for a call without usage, cost or stream", () => {
    const chat = Object.fromEntries(
      Object.keys(named(decodeSpans(storedCall()), "chat claude-haiku-4-5").attributes)
        .filter((key) => /usage|cost|response/.test(key))
        .map((key) => [key, undefined]),
    );
    for (const name of dialects) {
      const span = named(translated(name, storedCall({ chat })), "chat claude-haiku-4-5");
      const keys = Object.keys(span.attributes).join(" ");
      expect(keys).not.toMatch(/llm\.|usage|cost|completion_start/);
    }
  });

  test("carries an unknown price as no cost, and says the tokens all the same", () => {
    const chat = {
      "gen_ai.usage.cost": undefined,
      "everyspan.cost.input": undefined,
      "everyspan.cost.output": undefined,
    };
    const span = named(translated("auto", storedCall({ chat })), "chat claude-haiku-4-5");
    expect(Object.keys(span.attributes).join(" ")).not.toContain("cost");
    expect(span.attributes["langfuse.observation.usage_details"]).toContain('"total":1500');
  });

  test("reads calls without a chat span, as refusals and pass-through are", () => {
    const stored = storedCall();
    const end = spanRanges(stored)[2]?.end;
    for (const name of dialects) {
      const spans = translated(name, stored.subarray(0, end));
      expect(spans.map((span) => span.name)).toEqual(["POST /v1/messages", "auth", "pre_call"]);
    }
  });

  test("refuses bytes that are no spans", () => {
    const translate = callTranslation(dialectNamed("auto"), plain);
    expect(() => translateCall(translate, storedCall().subarray(0, 40))).toThrow(RangeError);
    expect(() => translateCall(translate, Uint8Array.of(0x0a, 0))).toThrow(RangeError);
  });
});

describe("cut_parent", () => {
  const options = { ...plain, cutParent: true };

  test("makes the SERVER span a root, and the caller's span a link", () => {
    const [root, ...rest] = translated("genai", storedCall(), options);
    const [before, ...restBefore] = decodeSpans(storedCall());
    expect(root?.parentSpanId).toBe("");
    expect(root?.links).toEqual([
      { traceId: storedTraceId, spanId: callerSpanId, traceState: "vendor=opaque", flags: 0x301 },
    ]);
    expect(before?.flags).toBe(0x301);
    expect(root?.flags).toBe(0x101);
    expect(root?.traceState).toBe("vendor=opaque");
    expect(root?.attributes).toEqual(before?.attributes ?? {});
    expect(rest).toEqual(restBefore);
  });

  test("changes nothing in a call that began its own trace", () => {
    const stored = storedCall({ isRoot: true });
    const sent = translateCall(callTranslation(dialectNamed("genai"), options), stored);
    expect(sent.toHex()).toBe(stored.toHex());
  });
});

describe("attempts made good", () => {
  test("have no status in the phoenix dialect, which calls a trace failed for one span", () => {
    const [, , , , , failed] = translated("phoenix", storedCall({ passes: true }));
    expect(failed?.attributes["error.type"]).toBe("429");
    expect(failed?.statusCode).toBe(0);
  });

  test("keep their status where the call failed, and in every other dialect", () => {
    expect(translated("phoenix", storedCall())[5]?.statusCode).toBe(2);
    for (const name of ["auto", "genai", "langfuse", "mlflow"]) {
      expect(translated(name, storedCall({ passes: true }))[5]?.statusCode).toBe(2);
    }
  });
});
