// Tests the picture of a call: what a person sees of a trace without any backend.

import { describe, expect, test } from "bun:test";
import { callPicture, callShape, type PictureSpan } from "../../../src/commands/call-picture.ts";

function span(
  id: string,
  parent: string,
  name: string,
  more: Partial<PictureSpan> = {},
): PictureSpan {
  return {
    traceId: "t",
    spanId: id,
    parentSpanId: parent,
    name,
    kind: 1,
    startMs: 1000,
    endMs: 1010,
    attributes: {},
    statusCode: 0,
    statusMessage: "",
    ...more,
  };
}

const retried: readonly PictureSpan[] = [
  span("r", "caller", "POST /v1/messages", {
    kind: 2,
    endMs: 1250,
    attributes: { "http.response.status_code": 200 },
  }),
  span("a", "r", "auth", { startMs: 1000.1, endMs: 1000.2 }),
  span("p", "r", "pre_call", { startMs: 1000.2, endMs: 1000.5 }),
  span("c", "r", "chat claude-haiku-4-5", {
    kind: 3,
    startMs: 1001,
    endMs: 1249,
    attributes: {
      "gen_ai.usage.input_tokens": 101,
      "gen_ai.usage.output_tokens": 21,
      "gen_ai.response.time_to_first_chunk": 0.05,
      "gen_ai.response.finish_reasons": ["stop"],
    },
  }),
  span("g", "c", "apply_guardrail pii", {
    startMs: 1001.5,
    endMs: 1002,
    attributes: { "everyspan.guardrail.stage": "pre_call", "everyspan.guardrail.verdict": "mask" },
  }),
  span("1", "c", "POST", {
    kind: 3,
    startMs: 1003,
    statusCode: 2,
    attributes: { "http.response.status_code": 429, "error.type": "429" },
  }),
  span("2", "c", "POST", {
    kind: 3,
    startMs: 1100,
    endMs: 1248,
    attributes: { "http.response.status_code": 200, "http.request.resend_count": 1 },
  }),
];

describe("callPicture", () => {
  test("draws the tree with kinds, durations, outcomes and tokens", () => {
    expect(callPicture(retried)).toBe(
      [
        "POST /v1/messages          server    250 ms  200",
        "├─ auth                    internal  0.1 ms",
        "├─ pre_call                internal  0.3 ms",
        "└─ chat claude-haiku-4-5   client    248 ms  first token 50.0 ms  stop  tokens 101 in / 21 out",
        "   ├─ apply_guardrail pii  internal  0.5 ms  pre_call mask",
        "   ├─ POST                 client    7.0 ms  429  error",
        "   └─ POST                 client    148 ms  200  resend 1",
      ].join("\n"),
    );
  });

  test("is the same in whatever order the spans come", () => {
    expect(callPicture(retried.toReversed())).toBe(callPicture(retried));
  });

  test("shows open spans, and spans whose parent is missing as roots", () => {
    const picture = callPicture([
      span("r", "", "POST /v1/messages", { endMs: undefined }),
      span("x", "gone", "chat m", { startMs: 1001, attributes: { "error.type": "provider_cut" } }),
    ]);
    expect(picture.split("\n")).toEqual([
      "POST /v1/messages  internal    open",
      "chat m             internal  9.0 ms  error provider_cut",
    ]);
  });

  test("keeps the bars of an outer branch that goes on", () => {
    const picture = callPicture([
      span("r", "", "root"),
      span("a", "r", "a", { startMs: 1001 }),
      span("b", "a", "b", { startMs: 1002 }),
      span("c", "r", "c", { startMs: 1003 }),
    ]);
    expect(picture.split("\n").map((line) => line.slice(0, 8).trimEnd())).toEqual([
      "root",
      "├─ a",
      "│  └─ b",
      "└─ c",
    ]);
  });

  test("a span that is its own parent does not loop", () => {
    expect(callPicture([span("r", "r", "root")])).toContain("root");
  });

  test("is empty for no spans", () => {
    expect(callPicture([])).toBe("");
  });
});

describe("callShape", () => {
  test("is equal for two calls that went the same way at other times with other tokens", () => {
    const later = retried.map((original) => ({
      ...original,
      startMs: original.startMs * 2,
      endMs: 9000,
      spanId: `later ${original.spanId}`,
      parentSpanId: `later ${original.parentSpanId}`,
      attributes: original.name.startsWith("chat")
        ? { ...original.attributes, "gen_ai.usage.input_tokens": 5 }
        : original.attributes,
    }));
    expect(callShape(later)).toBe(callShape(retried));
  });

  test("differs when the outcome does", () => {
    const cut = retried.map((original) =>
      original.spanId === "c"
        ? { ...original, attributes: { "error.type": "provider_cut" }, statusCode: 2 }
        : original,
    );
    expect(callShape(cut)).not.toBe(callShape(retried));
    expect(callShape(cut)).toContain("error provider_cut");
  });
});

test("what others called things draws lines of its own nowhere, and drives no terminal", () => {
  const evil = "\u001b[2J\r\n\u009b31m\u202e\u2028x";
  const spans = [
    span("r", "caller", "POST /v1/messages"),
    span("c", "r", `chat ${evil}`, {
      attributes: {
        "gen_ai.response.finish_reasons": [evil],
        "error.type": `${evil}${"e".repeat(5000)}`,
      },
    }),
  ];
  for (const text of [callPicture(spans), callShape(spans)]) {
    const lines = text.split("\n");
    expect(lines).toHaveLength(2);
    expect(lines.join("")).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
    expect(lines[1]).toContain("chat ?[2J???31m??x");
    expect(lines[1]!.length).toBeLessThan(1000);
  }
});
