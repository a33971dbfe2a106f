// The names of the conventions, written down a second time: a slip of the pen in the one list is caught by
// the other, and a new version is adopted here on purpose. Core v1.44.0, GenAI 1.42.0 (Development).

import { describe, expect, test } from "bun:test";
import { createCallSpans } from "../../../../src/tracing/recorder/call-spans.ts";
import { attr, doubleAttributes } from "../../../../src/tracing/recorder/semconv.ts";
import { decodeSpans } from "../../../../src/tracing/recorder/span-decoding.ts";
import { SpanKind } from "../../../../src/tracing/recorder/span-encoding.ts";

type AttributeType = "string" | "strings" | "int" | "double" | "boolean" | "json";

const conventions: Readonly<Record<string, AttributeType>> = {
  "error.type": "string",
  "http.request.method": "string",
  "http.request.method_original": "string",
  "http.request.resend_count": "int",
  "http.response.status_code": "int",
  "http.route": "string",
  "url.full": "string",
  "url.path": "string",
  "url.scheme": "string",
  "server.address": "string",
  "server.port": "int",
  "user_agent.original": "string",
  "session.id": "string",
  "user.id": "string",

  "gen_ai.operation.name": "string",
  "gen_ai.provider.name": "string",
  "gen_ai.conversation.id": "string",
  "gen_ai.output.type": "string",
  "gen_ai.request.model": "string",
  "gen_ai.request.stream": "boolean",
  "gen_ai.request.max_tokens": "int",
  "gen_ai.request.temperature": "double",
  "gen_ai.request.top_p": "double",
  "gen_ai.request.top_k": "int",
  "gen_ai.request.seed": "int",
  "gen_ai.request.frequency_penalty": "double",
  "gen_ai.request.presence_penalty": "double",
  "gen_ai.request.choice.count": "int",
  "gen_ai.request.stop_sequences": "strings",
  "gen_ai.request.reasoning.level": "string",
  "gen_ai.response.id": "string",
  "gen_ai.response.model": "string",
  "gen_ai.response.finish_reasons": "strings",
  "gen_ai.response.time_to_first_chunk": "double",
  "gen_ai.usage.input_tokens": "int",
  "gen_ai.usage.output_tokens": "int",
  "gen_ai.usage.cache_read.input_tokens": "int",
  "gen_ai.usage.cache_write.input_tokens": "int",
  "gen_ai.usage.reasoning.output_tokens": "int",
  "gen_ai.input.messages": "json",
  "gen_ai.output.messages": "json",
  "gen_ai.system_instructions": "json",

  "openai.api.type": "string",
  "openai.request.service_tier": "string",
  "openai.response.service_tier": "string",
  "openai.response.system_fingerprint": "string",
};

/** In the conventions' namespace without being theirs: open proposals that backends read. */
const proposals: Readonly<Record<string, AttributeType>> = {
  "gen_ai.usage.cost": "double",
  "gen_ai.guardrail.component.name": "string",
  "gen_ai.guardrail.risk.category": "string",
  "gen_ai.guardrail.content.input.value": "json",
  "gen_ai.guardrail.content.output.value": "json",
};

/** Ours, in seconds or dollars. */
const ownDoubles = [
  "everyspan.cost.input",
  "everyspan.cost.output",
  "everyspan.guardrail.duration",
];

const known = { ...conventions, ...proposals };
const names: readonly string[] = Object.values(attr);

describe("the names of attributes", () => {
  test("are the conventions', but for what is named here and what is ours", () => {
    const foreign = names.filter((name) => !name.startsWith("everyspan."));
    expect(foreign.toSorted()).toEqual(Object.keys(known).toSorted());
  });

  test("are each there once, in lower case with dots and underscores", () => {
    expect(new Set(names).size).toBe(names.length);
    expect(
      names.filter((name) => !/^[a-z]+(?:_[a-z]+)*(?:\.[a-z]+(?:_[a-z]+)*)+$/.test(name)),
    ).toEqual([]);
  });

  test("are no namespace of one another, which backends that nest them could not store", () => {
    const within = names.filter((name) => names.some((other) => name.startsWith(`${other}.`)));
    expect(within).toEqual([]);
  });
});

describe("the types of numbers", () => {
  const doubles = Object.keys(known).filter((name) => known[name] === "double");

  test("are double exactly where the conventions say so, and where ours are", () => {
    expect([...doubleAttributes].toSorted()).toEqual([...doubles, ...ownDoubles].toSorted());
  });

  test("do not go by the value: a temperature of 1 is a double, a token count an integer", () => {
    const spans = createCallSpans(
      { clock: () => 1, ids: { spanId: () => "1".repeat(16) } },
      { traceId: "1".repeat(32), spanId: "", traceFlags: 1, traceState: "", isRemote: false },
    );
    const integers = Object.keys(known).filter((name) => known[name] === "int");
    const attributes = Object.fromEntries(
      [...doubleAttributes, ...integers].map((name) => [name, 1]),
    );
    spans.start({ name: "x", kind: SpanKind.client, attributes });
    const [span] = decodeSpans(spans.encode());
    const types = new Map(span?.typedAttributes.map(({ key, value }) => [key, value.type]));
    expect([...doubleAttributes].filter((name) => types.get(name) !== "double")).toEqual([]);
    expect(integers.filter((name) => types.get(name) !== "int")).toEqual([]);
  });
});
