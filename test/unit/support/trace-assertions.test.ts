// Tests the assertions themselves: each invariant must be able to fail, or the end-to-end tests prove nothing.

import { describe, expect, test } from "bun:test";
import { toReceivedSpan, type ReceivedSpan } from "../../../src/demo/received-span.ts";
import { assertWholeTrace, type WholeTraceExpectation } from "../../support/trace-assertions.ts";

const traceId = "a".repeat(32);
const callerId = "f".repeat(16);

interface Made {
  readonly id: string;
  readonly parent?: string;
  readonly name: string;
  readonly kind?: number;
  readonly start?: number;
  readonly end?: number;
  readonly flags?: number;
  readonly trace?: string;
  readonly operation?: string;
}

function made(span: Made): ReceivedSpan {
  const attributes =
    span.operation === undefined ? {} : { "gen_ai.operation.name": span.operation };
  return toReceivedSpan({
    traceId: span.trace ?? traceId,
    spanId: span.id.repeat(16),
    parentSpanId: (span.parent ?? "").repeat(16),
    traceState: "",
    flags: span.flags ?? 0x101,
    name: span.name,
    kind: span.kind ?? 1,
    startNs: BigInt(span.start ?? 10),
    endNs: BigInt(span.end ?? 20),
    attributes: { values: attributes, types: {} },
    status: { code: 0, message: "" },
    links: [],
    resource: {},
    scope: { name: "", version: "" },
  });
}

const root: Made = {
  id: "1",
  parent: "f",
  name: "POST /v1/messages",
  kind: 2,
  end: 30,
  flags: 0x301,
};
const auth: Made = { id: "2", parent: "1", name: "auth" };
const preCall: Made = { id: "3", parent: "1", name: "pre_call" };
const chat: Made = { id: "4", parent: "1", name: "chat m", kind: 3, operation: "chat" };
const attempt: Made = { id: "5", parent: "4", name: "POST", kind: 3 };
const guardrail: Made = { id: "6", parent: "4", name: "apply_guardrail pii" };
const whole: readonly Made[] = [root, auth, preCall, chat, attempt, guardrail];

const expected: WholeTraceExpectation = {
  caller: { traceId, spanId: callerId },
  route: "/v1/messages",
  chat: true,
  attempts: 1,
  guardrails: 1,
};

function check(spans: readonly Made[], expectation: WholeTraceExpectation = expected): void {
  assertWholeTrace(spans.map(made), expectation);
}

/** The whole trace with one span changed. */
function changed(original: Made, change: Partial<Made>): Made[] {
  return whole.map((span) => (span === original ? { ...span, ...change } : span));
}

describe("assertWholeTrace", () => {
  test("gives a whole trace's spans by role", () => {
    const tree = assertWholeTrace(whole.map(made), expected);
    expect(tree.root.name).toBe("POST /v1/messages");
    expect(tree.chat?.name).toBe("chat m");
    expect(tree.attempts).toHaveLength(1);
    expect(tree.guardrails).toHaveLength(1);
    expect(tree.preCall?.name).toBe("pre_call");
  });

  const failures: readonly [string, string, readonly Made[]][] = [
    ["a second trace id", "G1", changed(attempt, { trace: "b".repeat(32) })],
    ["another trace than the caller's", "G1", whole.map((s) => ({ ...s, trace: "b".repeat(32) }))],
    ["a span that came twice", "G1", [...whole, attempt]],
    ["an all-zero id", "G1", changed(attempt, { id: "0" })],
    ["a second root", "G2", changed(attempt, { parent: "f" })],
    ["a root that does not say its parent is remote", "G2", changed(root, { flags: 0x101 })],
    ["a parent that is missing", "G3", changed(attempt, { parent: "9" })],
    ["a root that lost its caller", "G3", changed(root, { parent: "" })],
    ["a root that never arrived", "G3", whole.slice(1)],
    ["a span without an end", "G4", changed(attempt, { end: 0 })],
    ["two chat spans", "G5", [...whole, { ...chat, id: "7" }]],
    ["no chat span", "G5", changed(chat, { operation: "other" })],
    ["two attempts where one is expected", "G5", [...whole, { ...attempt, id: "7" }]],
    ["no auth span", "G5", changed(auth, { name: "POST" })],
    ["a child that starts before its parent", "G6", changed(attempt, { start: 9 })],
    ["a child that ends after its parent", "G6", changed(attempt, { end: 21 })],
    ["a span that ends before it starts", "G6", changed(attempt, { start: 20, end: 19 })],
    ["a root that is not SERVER", "G7", changed(root, { kind: 1 })],
    ["a chat span that is not CLIENT", "G7", changed(chat, { kind: 1 })],
    ["an attempt that is not CLIENT", "G7", changed(attempt, { kind: 1 })],
    ["a root of another name", "G7", changed(root, { name: "POST /" })],
    ["a guardrail under the root", "G3", changed(guardrail, { parent: "1" })],
    ["an attempt under the root", "G3", changed(attempt, { parent: "1" })],
    ["auth under chat", "G3", changed(auth, { parent: "4" })],
  ];
  test.each(failures)("refuses %s", (_, invariant, spans) => {
    expect(() => check(spans)).toThrow(invariant);
  });

  test("a refused call has root and auth, and no chat span", () => {
    const refused = { route: "/v1/messages", chat: false, attempts: 0 };
    const spans = [{ ...root, parent: "", flags: 0x101 }, auth];
    check(spans, refused);
    expect(() => check([...spans, chat], refused)).toThrow("G5");
  });

  test("a path passed through has its attempt under the root", () => {
    const passed = { route: "/v1/messages", chat: false, attempts: 1 };
    check(
      [{ ...root, parent: "", flags: 0x101 }, auth, preCall, { ...attempt, parent: "1" }],
      passed,
    );
  });

  test("the failure shows the tree", () => {
    expect(() => check(changed(attempt, { parent: "9" }))).toThrow("└─ apply_guardrail pii");
  });
});
